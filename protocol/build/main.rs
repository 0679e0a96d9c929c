//! Turns `schema/` into Rust at build time: the messages, the API table and the error codes, all under `OUT_DIR`.

#![allow(clippy::disallowed_methods, reason = "a build script reads and writes files by its nature")]
#![allow(clippy::indexing_slicing, reason = "a broken schema should stop the build where it is noticed")]
#![allow(clippy::print_stdout, reason = "how a build script talks to cargo")]

mod api;
mod codec;
mod error_code;
mod json;
mod message;
mod naming;
mod schema;

use std::fs;
use std::path::PathBuf;

use schema::{Api, Definition, Message};

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo"));
    let with_json = std::env::var_os("CARGO_FEATURE_JSON").is_some();
    println!("cargo::rerun-if-changed=schema");
    println!("cargo::rerun-if-changed=build");

    let (apis, data) = read_schema(&root.join("schema"));
    let messages: Vec<&Message> =
        apis.iter().flat_map(|api| [&api.request, &api.response]).chain(data.iter()).collect();
    let write = |name: &str, text: String| fs::write(out.join(name), text).expect("OUT_DIR is writable");
    write("messages.rs", message::emit(&messages, &apis, with_json));
    write("api.rs", api::emit(&apis));
    write("catalog.rs", api::emit_catalog(&apis, &data));
    let codes = fs::read_to_string(root.join("schema/error_codes.txt")).expect("schema/error_codes.txt");
    write("error_code.rs", error_code::emit(&codes));
}

fn read_schema(dir: &PathBuf) -> (Vec<Api>, Vec<Message>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .expect("schema/")
        .map(|entry| entry.expect("schema/").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "schema"))
        .collect();
    paths.sort();
    let (mut apis, mut data) = (Vec::new(), Vec::new());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match schema::parse(&text) {
            Definition::Api(api) => apis.push(*api),
            Definition::Data(message) => data.push(message),
        }
    }
    apis.sort_by_key(|api| api.key);
    assert!(apis.windows(2).all(|pair| pair[0].key != pair[1].key), "an API key twice");
    (apis, data)
}
