//! `anabranch-bench`: measures routers and NameNodes; see `README.md` beside this crate's manifest.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anabranch_bench::compare::{Case, Event, Plan, Server, compare};
use anabranch_bench::load::{Goal, Load};
use anabranch_bench::op::{Op, named};
use anabranch_bench::process::Process;
use anabranch_bench::record::{Record, Shape};
use anabranch_bench::rig::Rig;
use anabranch_bench::table;
use anabranch_bench::verdict::{Limit, Verdict};
use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Measures routers and NameNodes of HDFS: throughput, latency, CPU and memory. Without a command it starts a real
/// NameNode, the Java router and ours, measures them in turns, and prints a table.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Subcommand)]
enum Task {
    /// Puts one server under one load and prints a line of JSON.
    Load(LoadArgs),
    /// Measures servers that run already, in turns, and prints a table.
    Compare(CompareArgs),
    /// Prints the table of results that were saved before.
    Report {
        /// The lines of JSON.
        results: PathBuf,
        /// Server that the others are set in relation to.
        #[arg(long, default_value = "java")]
        baseline: String,
    },
}

#[derive(Args)]
struct RunArgs {
    /// Our router; by default the one beside this program.
    #[arg(long)]
    router: Option<PathBuf>,
    /// A first impression in some minutes: three operations, one load, two rounds.
    #[arg(long, conflicts_with_all = ["ops", "loads", "rounds", "check"])]
    quick: bool,
    /// Measure `stat` at 64 in flight only, and fail unless our router uses at most a fifth of the Java router's CPU.
    #[arg(long, conflicts_with_all = ["ops", "loads", "rounds"])]
    check: bool,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Args)]
struct LoadArgs {
    /// host:port of the RPC server.
    #[arg(long, value_parser = address)]
    server: SocketAddr,
    /// stat, open, list, mkdirs, create, rename or idle.
    #[arg(long, value_parser = named)]
    op: &'static Op,
    /// The file or directory to read, or an existing directory to write in.
    #[arg(long)]
    path: String,
    /// Connections, or CONNECTIONSxCALLS with several calls in flight on each.
    #[arg(long, default_value = "64")]
    load: Shape,
    /// Operations to make; without it the load lasts for --seconds.
    #[arg(long)]
    count: Option<u64>,
    /// ROLE=PID of a process whose CPU and memory are reported; may be repeated.
    #[arg(long = "process", value_parser = process)]
    processes: Vec<Process>,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Args)]
struct Pace {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Seconds of load before it.
    #[arg(long, default_value_t = 0.5)]
    warmup: f64,
    /// User of the connections.
    #[arg(long, default_value_t = anabranch_testkit::process::user())]
    user: String,
    /// Distinct users; with several, they are USER0, USER1 and so on.
    #[arg(long, default_value_t = 1)]
    users: usize,
}

#[derive(Args)]
struct CompareArgs {
    /// NAME=HOST:PORT/DIRECTORY[,ROLE=PID...][,jit]; may be repeated. `jit` warms a JVM up first.
    #[arg(long = "server", value_parser = server, required = true)]
    servers: Vec<Server>,
    /// The servers do not show the same files.
    #[arg(long)]
    separate: bool,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Args)]
struct Scope {
    /// Operations.
    #[arg(long, value_parser = named, value_delimiter = ',', default_value = "stat,open,list,mkdirs,create,rename")]
    ops: Vec<&'static Op>,
    /// Loads: connections, or CONNECTIONSxCALLS.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    loads: Vec<Shape>,
    /// Repetitions.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// File for the results, a line of JSON for each run.
    #[arg(long, default_value = "target/bench/results.jsonl")]
    out: PathBuf,
    /// Server that the others are set in relation to.
    #[arg(long, default_value = "java")]
    baseline: String,
}

/// The load that `--quick` and `--check` measure under.
const BUSY: Shape = Shape { connections: 64, pipelined: 1 };
/// Connections without calls, whose memory is measured before all else.
const IDLE: [Shape; 2] = [Shape { connections: 1, pipelined: 1 }, Shape { connections: 1000, pipelined: 1 }];
/// What `--check` demands for getFileInfo.
const LIMIT: Limit<'_> = Limit { server: "ours", baseline: "java", share: 0.2 };

fn main() -> Result<ExitCode> {
    raise_file_limit();
    let cli = Cli::parse();
    match cli.task {
        None => return run(cli.run),
        Some(Task::Load(args)) => load(args)?,
        Some(Task::Compare(args)) => {
            let plan = plan(&args.scope, args.pace, args.separate);
            let records = measure(&plan, &args.servers, &args.scope.out)?;
            print(&table::render(&records, &args.scope.baseline))?;
        }
        Some(Task::Report { results, baseline }) => print(&table::render(&read(&results)?, &baseline))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Connections are files, and the usual limit is 1,024; children inherit it. Where it cannot be raised, loads that need
/// more say so.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn run(args: RunArgs) -> Result<ExitCode> {
    let router = match args.router {
        Some(path) => path,
        None => std::env::current_exe()?.with_file_name("anabranch-router"),
    };
    let mut plan = plan(&args.scope, args.pace, false);
    if args.quick {
        plan.cases = cases(&["stat", "list", "create"]);
        plan.rounds = 2;
    } else if args.check {
        plan.cases = cases(&["stat"]);
    } else {
        plan.cold = IDLE.iter().filter_map(|&shape| Some((named("idle").ok()?, shape))).collect();
    }
    let rig = Rig::start(&router, &plan.user, &mut note)?;
    let servers = if args.check { &rig.servers()[1..] } else { rig.servers() };
    let records = measure(&plan, servers, &args.scope.out)?;
    print(&table::render(&records, &args.scope.baseline))?;
    if !args.check {
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = Verdict::reach(&LIMIT, &records).context("not both routers were measured")?;
    print(&format!("\n{verdict}\n"))?;
    Ok(if verdict.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cases(ops: &[&str]) -> Vec<Case> {
    ops.iter().filter_map(|op| Some((named(op).ok()?, BUSY))).collect()
}

fn read(results: &Path) -> Result<Vec<Record>> {
    let parse = |line: io::Result<String>| Ok(serde_json::from_str::<Record>(&line?)?);
    let file = File::open(results).with_context(|| results.display().to_string())?;
    let records: Result<_> = BufReader::new(file).lines().map(parse).collect();
    records.with_context(|| results.display().to_string())
}

fn load(args: LoadArgs) -> Result<()> {
    let LoadArgs { server: address, op, path, load: shape, pace, .. } = args;
    let goal = match args.count {
        Some(count) => Goal::Count(count),
        None => Goal::Time { warmup: seconds(pace.warmup), measure: seconds(pace.seconds) },
    };
    let load = Load { address, op, path, shape, user: pace.user, users: pace.users, goal };
    let outcome = load.drive(&args.processes)?;
    print(&(serde_json::to_string(&outcome)? + "\n"))
}

fn plan(scope: &Scope, pace: Pace, separate: bool) -> Plan {
    let loads = |&op: &&'static Op| scope.loads.iter().map(move |&shape| (op, shape));
    Plan {
        cold: Vec::new(),
        cases: scope.ops.iter().flat_map(loads).collect(),
        rounds: scope.rounds,
        warmup: seconds(pace.warmup),
        measure: seconds(pace.seconds),
        user: pace.user,
        users: pace.users,
        separate,
    }
}

fn measure(plan: &Plan, servers: &[Server], out: &Path) -> Result<Vec<Record>> {
    if let Some(dir) = out.parent() {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let mut results = BufWriter::new(File::create(out).with_context(|| out.display().to_string())?);
    Ok(compare(plan, servers, &mut results, &mut |event| tell(&event))?)
}

fn tell(event: &Event<'_>) {
    match event {
        Event::Warming { server, op, cpu_us } => note(&format!("warming {server} up: {op:<7} {cpu_us:8.1} µs CPU/op")),
        Event::Ran { number, of, record } => note(&format!("[{number}/{of}] {}", summary(record))),
    }
}

fn summary(record: &Record) -> String {
    let Record { server, op, shape, round, outcome, .. } = record;
    let mut line = format!("round {round}  {op:<7} {shape:<5} {server:<8}");
    if outcome.operations > 0 {
        let (rate, p50) = (outcome.ops_per_s, outcome.latency_us.p50);
        line += &format!(" {rate:8.0} ops/s  p50 {p50:7.0} µs");
        if let Some(us) = record.cpu_us("router") {
            line += &format!("  router {us:6.1} µs CPU/op");
        }
    }
    if record.failed() > 0 {
        line += &format!("  FAILED {:?}", outcome.failures);
    }
    line
}

/// Progress goes to standard error, so that standard output holds the table alone.
fn note(line: &str) {
    // Nobody reads it: then nothing is lost.
    let _ = writeln!(io::stderr(), "{line}");
}

fn print(text: &str) -> Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("`{text}` is not HOST:PORT: {error}"))?;
    found.next().ok_or_else(|| format!("`{text}` has no address"))
}

fn process(text: &str) -> Result<Process, String> {
    let (role, pid) = text.split_once('=').ok_or_else(|| format!("`{text}` is not ROLE=PID"))?;
    let process = Process::new(role, pid.parse().map_err(|_| format!("`{pid}` is not a process id"))?);
    process.sample().map(|_| process).map_err(|error| error.to_string())
}

fn server(text: &str) -> Result<Server, String> {
    let expected = || format!("`{text}` is not NAME=HOST:PORT/DIRECTORY[,ROLE=PID...][,jit]");
    let mut parts = text.split(',');
    let (name, place) = parts.next().and_then(|first| first.split_once('=')).ok_or_else(expected)?;
    let (host, directory) = place.split_once('/').ok_or_else(expected)?;
    let (jit, processes): (Vec<_>, Vec<_>) = parts.partition(|part| *part == "jit");
    Ok(Server {
        name: name.to_owned(),
        address: address(host)?,
        root: format!("/{directory}"),
        processes: processes.into_iter().map(process).collect::<Result<_, _>>()?,
        jit: !jit.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn servers_are_read_from_one_argument() {
        let own = std::process::id();
        let found = server(&format!("java=127.0.0.1:8888/data0/x,router={own},jit")).unwrap();
        assert_eq!((found.name.as_str(), found.root.as_str(), found.jit), ("java", "/data0/x", true));
        assert_eq!(found.address.to_string(), "127.0.0.1:8888");
        assert_eq!(found.processes[0].role, "router");
        for text in ["", "java", "java=127.0.0.1:8888", "java=nowhere/x", "java=127.0.0.1:8888/x,router=self"] {
            assert!(server(text).is_err(), "{text}");
        }
    }
}
