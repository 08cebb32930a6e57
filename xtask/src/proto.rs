//! Rust from protobuf definitions: `crates/hdfs-proto` (messages and method lists), `crates/store` (a gRPC service).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use prost_build::{Config, Service, ServiceGenerator};

use crate::committed::Committed;

/// Writes (or with `check` compares) the generated modules.
pub fn generate(check: bool) -> anyhow::Result<()> {
    let mut hadoop = Config::new();
    hadoop.bytes(["."]).btree_map(["."]).service_generator(Box::new(MethodLists));
    room(hadoop, "crates/hdfs-proto", "src/gen", check)?;

    let mut store = Config::new();
    store.bytes(["."]).service_generator(tonic_prost_build::configure().service_generator());
    room(store, "crates/store", "src/grpc/gen", check)
}

/// Generates what one room's `proto/` defines.
fn room(mut config: Config, room: &str, target: &str, check: bool) -> anyhow::Result<()> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room);
    let sources = sources(&room.join("proto"))?;
    let descriptors = protox::compile(&sources, [room.join("proto")])?;
    let out = tempdir(&room)?;
    let result = config
        .out_dir(&out)
        .compile_fds(descriptors)
        .map_err(anyhow::Error::from)
        .and_then(|()| settle(&out, &room.join(target), check));
    fs::remove_dir_all(&out)?;
    result
}

fn sources(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files: Vec<_> = fs::read_dir(dir)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

fn tempdir(room: &Path) -> anyhow::Result<PathBuf> {
    let dir = room.join("../../target").join(format!("proto-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// Moves new files into place, or only compares them.
fn settle(new: &Path, target: &Path, check: bool) -> anyhow::Result<()> {
    let committed = Committed { task: "proto", check };
    for entry in fs::read_dir(new)? {
        let file = entry?.path();
        let name = file.file_name().context("generated file without a name")?;
        committed.settle(&target.join(name), &fs::read(&file)?)?;
    }
    Ok(())
}

/// Turns each service into a list of its methods: names and message types, no code.
struct MethodLists;

impl ServiceGenerator for MethodLists {
    fn generate(&mut self, service: Service, out: &mut String) {
        let name = screaming(&service.name);
        let _ = writeln!(out, "/// The methods of `{}.{}`.", service.package, service.proto_name);
        let _ = writeln!(out, "pub const {name}: &[crate::Method] = &[");
        for method in &service.methods {
            let _ = writeln!(
                out,
                "    crate::Method {{ name: \"{}\", request: \"{}\", response: \"{}\" }},",
                method.proto_name,
                method.input_proto_type.trim_start_matches('.'),
                method.output_proto_type.trim_start_matches('.'),
            );
        }
        out.push_str("];\n");
    }
}

fn screaming(camel: &str) -> String {
    let mut out = String::new();
    for (i, c) in camel.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
