//! Words that no file may hold: unfinished work, hosts of package registries, paths of one particular machine.

use super::SourceFile;

// Split, so that this file does not find itself.
const UNFINISHED: [&str; 4] =
    [concat!("todo", "!("), concat!("unimpl", "emented!("), concat!("FIX", "ME"), concat!("XX", "X:")];
const PLACES: [&str; 12] = [
    concat!("crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("sum.golang", ".org"),
    concat!("repo.maven", ".apache"),
    concat!("repo1", ".maven"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
];

/// Lines with a forbidden word. `Cargo.lock` is Cargo's own and names its registry.
pub fn forbidden(files: &[SourceFile]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.name() != "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            for word in UNFINISHED.iter().chain(&PLACES).filter(|word| line.contains(**word)) {
                violations.push(format!("{}:{}: {word}", file.path, index + 1));
            }
        }
    }
    violations
}

#[test]
fn forbidden_word_is_found_with_its_line() {
    for word in UNFINISHED.iter().chain(&PLACES) {
        let file = SourceFile { path: "a.txt".into(), text: format!("fine\nsome {word} here\n") };
        let found = forbidden(&[file]);
        assert!(found.first().is_some_and(|line| line.starts_with("a.txt:2: ")), "{word}: {found:?}");
    }
}
