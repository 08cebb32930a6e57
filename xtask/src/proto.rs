//! `crates/hdfs-proto/src/gen` from `crates/hdfs-proto/proto`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use prost_build::{Service, ServiceGenerator};

/// Writes (or with `check` compares) the generated modules.
pub fn generate(check: bool) -> anyhow::Result<()> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hdfs-proto");
    let sources = sources(&room.join("proto"))?;
    let descriptors = protox::compile(&sources, [room.join("proto")])?;
    let out = tempdir(&room)?;
    let result = prost_build::Config::new()
        .bytes(["."])
        .btree_map(["."])
        .out_dir(&out)
        .service_generator(Box::new(MethodLists))
        .compile_fds(descriptors)
        .map_err(anyhow::Error::from)
        .and_then(|()| settle(&out, &room.join("src/gen"), check));
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
fn settle(new: &Path, committed: &Path, check: bool) -> anyhow::Result<()> {
    for entry in fs::read_dir(new)? {
        let file = entry?.path();
        let target = committed.join(file.file_name().context("generated file without a name")?);
        let text = fs::read(&file)?;
        if fs::read(&target).ok().as_deref() == Some(&text) {
            continue;
        }
        if check {
            bail!("{} is not what its definition generates; run `cargo xtask proto`", target.display());
        }
        fs::write(&target, text)?;
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
