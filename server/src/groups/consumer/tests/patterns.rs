//! Patterns: RE2's syntax, and ones that are meant to hurt.

use std::collections::BTreeSet;

use super::world::Topics;
use crate::groups::consumer::pattern::{Pattern, Resolution, ResolutionRequest};
use crate::groups::consumer::re2::SyntaxError;

fn matches(pattern: &str, name: &str) -> bool {
    Pattern::compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).matches(name)
}

#[test]
fn patterns_match_whole_names_as_re2_reads_them() {
    for (pattern, name) in [
        ("foo.*", "foo-1"),
        ("a|b", "b"),
        ("(?P<x>a)(?<y>b)(c)", "abc"),
        ("\\Qa.b\\E", "a.b"),
        ("[[a]+", "[a"),
        ("[a&&b]+", "a&b"),
        ("[]a]+", "]a"),
        ("[^[:alpha:]\\d]", "_"),
        ("[\\w.-]{1,4}", "a.-_"),
        ("a{,2}", "a{,2}"),
        ("x{a", "x{a"),
        ("(?i)TOPIC", "topic"),
        ("\\x61\\x{62}\\143", "abc"),
        ("a+?b*?", "aab"),
        ("\\bfoo\\b", "foo"),
        ("\\pL+", "abc"),
        ("\\d\\D\\W\\S", "1a-x"),
        ("", ""),
        ("(|a)*", "aa"),
        ("t{3}", "ttt"),
    ] {
        assert!(matches(pattern, name), "{pattern} must match {name}");
    }
    for (pattern, name) in
        [("foo", "foobar"), ("a|b", "ab"), ("\\Qa.b\\E", "axb"), ("[^a]", "a"), ("\\pN", "a"), ("a{2}", "a")]
    {
        assert!(!matches(pattern, name), "{pattern} must not match {name}");
    }
}

#[test]
fn what_re2_refuses_is_refused() {
    for (pattern, error) in [
        ("a**", SyntaxError::NestedRepetition),
        ("*a", SyntaxError::NothingToRepeat),
        ("(|*)", SyntaxError::NothingToRepeat),
        ("a{2,1}", SyntaxError::RepeatCount),
        ("a{1001}", SyntaxError::RepeatCount),
        ("[a", SyntaxError::OpenBracket),
        ("[]", SyntaxError::OpenBracket),
        ("(a", SyntaxError::OpenParenthesis),
        ("a)", SyntaxError::ClosingParenthesis),
        ("(a)\\1", SyntaxError::Escape),
        ("\\y", SyntaxError::Escape),
        ("a\\", SyntaxError::TrailingBackslash),
        ("(?=a)", SyntaxError::Perl),
        ("(?<!a)", SyntaxError::Perl),
        ("(?x)a", SyntaxError::Perl),
        ("[b-a]", SyntaxError::Class),
        ("[[:nothing:]]", SyntaxError::Class),
        ("\\p{Nothing}", SyntaxError::Class),
    ] {
        assert_eq!(Pattern::compile(pattern).map(drop).unwrap_err(), error, "{pattern}");
    }
}

#[test]
fn hostile_patterns_are_refused_or_linear() {
    let long = "a".repeat(60_000);
    let deep = format!("{}a{}", "(".repeat(500), ")".repeat(500));
    for pattern in
        ["((a{1000}){1000}){1000}", "(\\pL{1000}){1000}", &"x*".repeat(30_000), &deep, &long, &"a".repeat(70_000)]
    {
        assert!(Pattern::compile(pattern).is_err(), "{pattern:.40} must be refused");
    }
    let name = "a".repeat(249);
    for pattern in ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*)(.*)(.*)(.*)(.*)b", "(a?){200}b"] {
        assert!(!matches(pattern, &name));
    }
    assert!(matches("(a?){249}", &name));
}

#[test]
fn resolution_goes_in_slices_and_finds_every_match() {
    let topics = Topics::with(&[("a-1", 1), ("a-2", 1), ("b-1", 1), ("c", 1)]);
    let patterns = ["a-.*", ".*-1", "*broken", "nothing"].map(corelog_protocol::Text::from);
    let mut work = Resolution::new(ResolutionRequest { patterns: BTreeSet::from(patterns), revision: 7 });
    let steps = std::iter::from_fn(|| Some(work.step(&topics, 1))).take_while(|done| !done).count();
    assert!(steps > 8, "one name at a time takes many steps: {steps}");
    let resolved = work.finish();
    let found = |pattern: &str| resolved.topics[pattern].iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((found("a-.*"), found(".*-1")), (vec!["a-1".into(), "a-2".into()], vec!["a-1".into(), "b-1".into()]));
    assert!(found("*broken").is_empty() && found("nothing").is_empty());
    assert_eq!(resolved.revision, 7);
}
