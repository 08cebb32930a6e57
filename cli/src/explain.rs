//! `anabranch explain`: where a path lives and why, from manifests, or asked of a router that runs.

mod ask;
mod cluster;
mod files;
mod pods;
mod text;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anabranch_federation::MountPath;
use anabranch_router::explain::Answer;
use clap::Args;
use cluster::ClusterArgs;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::format::Format;
use crate::{console, machine};

/// Say where paths live and why: mount, order, nameservices, NameNodes, permissions, quota.
///
/// Asks a router of the RouterFleet in the current namespace of the current Kubernetes context; with --router a router
/// elsewhere; with -f only manifests, before anything runs. Ends with exit code 1 when a path lives nowhere, and 2 when
/// there is no answer.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Paths as clients write them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Read manifests: a directory (or file) of MountTable, Subcluster, RouterFleet.
    #[arg(short = 'f', long = "filename", value_name = "DIR", conflicts_with_all = ["router", "ClusterArgs"])]
    manifests: Option<PathBuf>,
    /// Ask this router, at its HTTP address.
    #[arg(long, value_name = "URL", conflicts_with = "ClusterArgs")]
    router: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Who would call. [default: $HADOOP_USER_NAME, else who you are here]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A group of that user; may be repeated. [default: those that the router knows]
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// The IP address that the call would come from, for mounts of the order LOCAL.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "manifests")]
    client: Option<IpAddr>,
    /// What is printed: for people, or JSON, one object a line, for programs.
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Who would call.
struct Who {
    user: String,
    groups: Vec<String>,
    client: Option<IpAddr>,
}

/// A router answers at once; what takes longer is a network that is not there.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the command.
pub fn run(args: ExplainArgs) -> ExitCode {
    let format = args.output;
    match answers(args) {
        Ok(answers) => {
            let shown = answers.iter().map(|answer| match format {
                Format::Text => text::of(answer),
                Format::Json => serde_json::json!(answer).to_string(),
            });
            let between = if format == Format::Text { "\n\n" } else { "\n" };
            console::say(&shown.collect::<Vec<_>>().join(between));
            ExitCode::from(u8::from(!answers.iter().all(|answer| answer.explanation.is_found())))
        }
        Err(failure) => failure.report(),
    }
}

fn answers(args: ExplainArgs) -> Result<Vec<Answer>, Failure> {
    let paths: Vec<MountPath> =
        args.paths.iter().map(|path| MountPath::parse(path)).collect::<Result<_, _>>().map_err(Failure::usage)?;
    let who = Who { user: args.user.unwrap_or_else(machine::user), groups: args.groups, client: args.client };
    if let Some(directory) = args.manifests {
        return files::answers(directory, &paths, &who);
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let mut answers = Vec::with_capacity(paths.len());
        match args.router {
            Some(url) => {
                let router = ask::address(&url).map_err(Failure::usage)?;
                for path in &paths {
                    answers.push(in_time(ask::by_address(&router, path, &who)).await?);
                }
            }
            None => {
                let router = in_time(cluster::Router::find(args.cluster)).await?;
                for path in &paths {
                    answers.push(in_time(router.ask(path, &who)).await?);
                }
            }
        }
        Ok(answers)
    })
}

async fn in_time<T>(asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = || Failure::usage(format!("no answer for {} s; read manifests with -f DIR", PATIENCE.as_secs()));
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(late()))
}
