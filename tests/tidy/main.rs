//! The house style, checked: sizes, names, where the seam may be crossed, what each file must open with and may not hold.
//!
//! Run by `cargo test -p corelog-tests --test tidy`; it reads every file that git tracks or would track, and never writes.
//! Each rule has a test beside it that shows it failing on a bad example.

mod allowance;
mod dependencies;
mod names;
mod seam;
mod shape;
mod size;
mod tree;
mod words;

use tree::SourceFile;

fn assert_none(rule: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{rule}: {} found\n  {}", violations.len(), violations.join("\n  "));
}

#[test]
fn files_stay_under_their_length() {
    let files = tree::files();
    for warning in size::long_files(&files, size::FILE_LINES_WARN) {
        println!("warning, a file to split: {warning}");
    }
    assert_none("files over 1000 lines", &size::long_files(&files, size::FILE_LINES_MAX));
}

#[test]
fn functions_stay_under_their_length() {
    let allowed = allowance::load("long-functions.txt");
    assert_none("functions over 70 lines", &size::long_functions(&tree::files(), &allowed));
}

#[test]
fn names_say_what_a_file_holds() {
    assert_none("file names that say nothing", &names::empty_names(&tree::files()));
}

#[test]
fn declaring_files_only_declare() {
    assert_none("code in lib.rs or mod.rs", &shape::code_in_declaring_files(&tree::files()));
}

#[test]
fn modules_open_with_their_contract() {
    assert_none("modules without an opening `//!`", &shape::modules_without_opening(&tree::files()));
}

#[test]
fn nothing_is_left_unfinished_or_tied_to_one_place() {
    assert_none("forbidden words", &words::forbidden(&tree::files()));
}

#[test]
fn only_the_seam_touches_the_machine() {
    let allowed = allowance::load("outside-the-seam.txt");
    assert_none("machine access outside engine/rt", &seam::crossings(&tree::files(), &allowed));
}

#[test]
fn dependencies_carry_their_reason() {
    assert_none("dependencies without a reason", &dependencies::without_reason(&tree::files()));
}
