//! `docs/configuration.md` from the table of configuration keys.

use std::fmt::Write as _;
use std::path::Path;

use anabranch_router::config::hadoop::FILES;
use anabranch_router::config::hadoop::keys::{self, NOT_IMPLEMENTED};

use crate::committed::Committed;

/// Writes (or with `check` compares) the page.
pub fn generate(check: bool) -> anyhow::Result<()> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    Committed { task: "docs", check }.settle(&target, page()?.as_bytes())
}

fn page() -> anyhow::Result<String> {
    let mut page = String::new();
    writeln!(page, "# Configuration of anabranch-router\n")?;
    writeln!(page, "<!-- Generated from router/src/config/hadoop/keys by `cargo xtask docs`. -->\n")?;
    writeln!(
        page,
        "`anabranch-router --conf DIR` reads {} of one directory, in this order. A later file wins over an earlier one, \
         unless the earlier one calls its value `<final>`; `-D key=value` on the command line wins over all. `${{name}}` in a \
         value stands for another key, `${{env.NAME}}` for an environment variable. `xi:include` is not followed.\n",
        FILES.map(|file| format!("`{file}`")).join(", "),
    )?;
    writeln!(page, "## Keys\n\n`<ns>`, `<nn>` and `<user>` stand for a nameservice, a NameNode and a user.\n")?;
    writeln!(page, "| Key | Default | Accepted | What it is for |\n|---|---|---|---|")?;
    for key in keys::all() {
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        writeln!(page, "| `{}` | {default} | {} | {} |", key.name, cell(&key.accepted()), cell(key.about))?;
    }
    writeln!(page, "\n## Keys of the Java router that are not implemented\n")?;
    writeln!(page, "Those that are set are named in one warning when the router starts; they change nothing.\n")?;
    for name in NOT_IMPLEMENTED {
        writeln!(page, "- `{name}`")?;
    }
    Ok(page)
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
