//! The schema's model and its parser. Panics name file and line: a broken schema must stop the build.

/// An inclusive range of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub min: i16,
    pub max: i16,
}

/// The type of a field, nullability aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    Float64,
    Uuid,
    Text,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Kind>),
}

/// One field of a structure.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub versions: Versions,
    pub nullable: Option<Versions>,
    pub tag: Option<u32>,
    pub rigid: bool,
    pub default: Option<String>,
    pub ignorable: bool,
    pub entity: Option<String>,
}

/// A structure; names are unique inside one message.
#[derive(Clone, Debug)]
pub struct Struct {
    pub name: String,
    pub versions: Versions,
    pub fields: Vec<Field>,
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Request,
    Response,
    Data,
}

/// One message: its root structure first, then every structure below it.
#[derive(Clone, Debug)]
pub struct Message {
    pub name: String,
    pub role: Role,
    pub versions: Versions,
    pub flexible_from: Option<i16>,
    pub structs: Vec<Struct>,
}

/// One API: its key, the versions that a broker advertises, and its two messages.
#[derive(Clone, Debug)]
pub struct Api {
    pub name: String,
    pub key: i16,
    pub advertised: Versions,
    pub request: Message,
    pub response: Message,
}

/// What one file holds.
pub enum Definition {
    Api(Box<Api>),
    Data(Message),
}

impl Versions {
    fn parse(text: &str, last: i16) -> Versions {
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("not a version: {text}"));
        if let Some(min) = text.strip_suffix('+') {
            return Versions { min: number(min), max: last };
        }
        let (min, max) = text.split_once('-').unwrap_or((text, text));
        Versions { min: number(min), max: number(max) }
    }

    pub fn contains(self, other: Versions) -> bool {
        self.min <= other.min && other.max <= self.max
    }
}

struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
}

/// Parses one file.
pub fn parse(text: &str) -> Definition {
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let indent = line.len() - line.trim_start().len();
            assert!(indent % 2 == 0, "line {}: odd indentation", index + 1);
            Line { number: index + 1, depth: indent / 2, words: line.split_whitespace().collect() }
        })
        .collect();
    let mut sections = lines.chunk_by(|_, next| next.depth > 0);
    let head = sections.next().expect("an empty schema file");
    match head[0].words.as_slice() {
        ["api", name, key, rest @ ..] => {
            let mut message = |role, suffix| {
                let section = sections.next().expect("a request and a response");
                parse_message(format!("{name}{suffix}"), role, &section[0].words[1..], &section[1..])
            };
            let request = message(Role::Request, "Request");
            let response = message(Role::Response, "Response");
            assert_eq!(request.versions, response.versions, "{name}: versions differ");
            assert_eq!(request.flexible_from, response.flexible_from, "{name}: flexible versions differ");
            let advertised = match rest {
                [] => request.versions,
                ["advertised", versions] => Versions::parse(versions, request.versions.max),
                _ => panic!("{name}: {rest:?}"),
            };
            let key = key.parse().expect("an API key");
            Definition::Api(Box::new(Api { name: (*name).to_owned(), key, advertised, request, response }))
        }
        ["data", name, rest @ ..] => Definition::Data(parse_message((*name).to_owned(), Role::Data, rest, &head[1..])),
        other => panic!("line {}: {other:?}", head[0].number),
    }
}

fn parse_message(name: String, role: Role, head: &[&str], body: &[Line<'_>]) -> Message {
    let versions = Versions::parse(head[0], 0);
    let flexible_from = match &head[1..] {
        [] => None,
        ["flexible", range] => Some(Versions::parse(range, versions.max).min),
        other => panic!("{name}: {other:?}"),
    };
    let mut structs = vec![Struct { name: name.clone(), versions, fields: Vec::new() }];
    let rest = parse_fields(body, 1, 0, &mut structs);
    assert!(rest.is_empty(), "{name}: line {} does not belong anywhere", rest[0].number);
    let message = Message { name, role, versions, flexible_from, structs };
    message.check();
    message
}

/// Reads the fields at `depth` into `structs[owner]`, and what lies deeper into structures of their own.
fn parse_fields<'a, 'b>(
    mut lines: &'a [Line<'b>],
    depth: usize,
    owner: usize,
    structs: &mut Vec<Struct>,
) -> &'a [Line<'b>] {
    while let Some((line, rest)) = lines.split_first() {
        if line.depth < depth {
            break;
        }
        assert!(line.depth == depth, "line {}: indented too far", line.number);
        lines = rest;
        let enclosing = structs[owner].versions;
        let (name, versions) = if line.words[0] == "struct" {
            (line.words[1].to_owned(), line.words.get(2).map_or(enclosing, |text| Versions::parse(text, enclosing.max)))
        } else {
            let field = parse_field(line, enclosing);
            let below = (field.kind.structure().map(str::to_owned), field.versions);
            structs[owner].fields.push(field);
            match below {
                (Some(name), versions) => (name, versions),
                (None, _) => continue,
            }
        };
        if rest.first().is_some_and(|next| next.depth > depth) {
            structs.push(Struct { name, versions, fields: Vec::new() });
            let child = structs.len() - 1;
            lines = parse_fields(rest, depth + 1, child, structs);
        }
    }
    lines
}

fn parse_field(line: &Line<'_>, enclosing: Versions) -> Field {
    let (kind, nullable) = match line.words[1].split_once('?') {
        None => (line.words[1], None),
        Some((kind, versions)) => (kind, Some(versions)),
    };
    let mut field = Field {
        name: line.words[0].to_owned(),
        kind: Kind::parse(kind),
        versions: enclosing,
        nullable: None,
        tag: None,
        rigid: false,
        default: None,
        ignorable: false,
        entity: None,
    };
    let mut words = line.words[2..].iter();
    while let Some(&word) = words.next() {
        let mut argument = || *words.next().unwrap_or_else(|| panic!("line {}: {word} what?", line.number));
        match word {
            "tag" => field.tag = Some(argument().parse().expect("a tag number")),
            "=" => field.default = Some(argument().to_owned()),
            "rigid" => field.rigid = true,
            "ignorable" => field.ignorable = true,
            _ if word.starts_with('@') => field.entity = Some(word[1..].to_owned()),
            _ => field.versions = Versions::parse(word, enclosing.max),
        }
    }
    field.nullable = nullable.map(|versions| match versions {
        "" => field.versions,
        _ => Versions::parse(versions, field.versions.max),
    });
    field
}

impl Kind {
    fn parse(text: &str) -> Kind {
        if let Some(element) = text.strip_prefix("[]") {
            return Kind::Array(Box::new(Kind::parse(element)));
        }
        match text {
            "bool" => Kind::Bool,
            "int8" => Kind::Int8,
            "int16" => Kind::Int16,
            "uint16" => Kind::Uint16,
            "int32" => Kind::Int32,
            "int64" => Kind::Int64,
            "float64" => Kind::Float64,
            "uuid" => Kind::Uuid,
            "string" => Kind::Text,
            "bytes" => Kind::Bytes,
            "records" => Kind::Records,
            _ => {
                assert!(text.starts_with(|first: char| first.is_ascii_uppercase()), "unknown type {text}");
                Kind::Struct(text.to_owned())
            }
        }
    }

    /// The structure that this type is, or is an array of.
    pub fn structure(&self) -> Option<&str> {
        match self {
            Kind::Struct(name) => Some(name),
            Kind::Array(element) => element.structure(),
            _ => None,
        }
    }
}

impl Message {
    /// Refuses what the generator cannot mean: unknown or doubled names, recursion, tags where no version has them.
    fn check(&self) {
        for (index, structure) in self.structs.iter().enumerate() {
            let place = format!("{}.{}", self.name, structure.name);
            assert!(!self.structs[..index].iter().any(|other| other.name == structure.name), "{place} twice");
            self.check_depth(structure, 0);
            for field in &structure.fields {
                assert!(structure.versions.contains(field.versions), "{place}.{}: versions", field.name);
                assert!(
                    field.nullable.is_none_or(|null| field.versions.contains(null)),
                    "{place}.{}: null",
                    field.name
                );
                let flexible = self.flexible_from.is_some_and(|from| from <= field.versions.min);
                assert!(field.tag.is_none() || flexible, "{place}.{}: a tag in a rigid version", field.name);
            }
            let mut tags: Vec<u32> = structure.fields.iter().filter_map(|field| field.tag).collect();
            tags.sort_unstable();
            assert!(tags.windows(2).all(|pair| pair[0] != pair[1]), "{place}: a tag twice");
        }
    }

    fn check_depth(&self, structure: &Struct, depth: usize) {
        assert!(depth < 8, "{}: deeper than the decoder's path", self.name);
        for name in structure.fields.iter().filter_map(|field| field.kind.structure()) {
            let below = self.structs.iter().find(|other| other.name == name);
            self.check_depth(below.unwrap_or_else(|| panic!("{}: no structure {name}", self.name)), depth + 1);
        }
    }
}
