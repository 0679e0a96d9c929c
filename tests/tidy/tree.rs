//! The files under check: what git tracks, and what it would track once added.

use std::path::PathBuf;
use std::process::Command;

/// One text file of the project.
pub struct SourceFile {
    /// Path from the root of the project, with `/`.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

impl SourceFile {
    /// The name after the last dot, or nothing.
    pub fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Written by a program: its first line says so.
    pub fn is_generated(&self) -> bool {
        self.text.lines().take(3).any(|line| line.contains(concat!("@", "generated")))
    }
}

/// The project's root folder.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders below the root").to_path_buf()
}

/// Every text file of the project, sorted by path. Files that are not UTF-8 (fixtures) are left out.
pub fn files() -> Vec<SourceFile> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the project's files");
    assert!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    let listing = String::from_utf8(listing.stdout).expect("paths are UTF-8");
    let mut paths: Vec<&str> = listing.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let files: Vec<SourceFile> = paths.into_iter().filter_map(read).collect();
    assert!(
        files.iter().any(|file| file.path == "Cargo.toml"),
        "the listing holds no Cargo.toml: not the project's root"
    );
    files
}

#[expect(clippy::disallowed_methods, reason = "reads source files at test time, outside every shard")]
fn read(path: &str) -> Option<SourceFile> {
    // A path in the index may be gone from the working tree: a deletion that is not staged yet.
    let text = std::fs::read_to_string(root().join(path)).ok()?;
    Some(SourceFile { path: path.to_owned(), text })
}
