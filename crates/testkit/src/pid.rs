//! Processes by their ids.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// The unit of times in `/proc/PID/stat`: USER_HZ, which is 100 on every architecture that HDFS runs on.
const TICK: Duration = Duration::from_millis(10);

/// Sends a signal to a process.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("process id 0")?;
    Ok(kill_process(pid, signal)?)
}

/// User and system time of all threads of a process so far, in steps of 10 ms.
pub fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    cpu_in(&stat).with_context(|| format!("{path} has no utime and stime"))
}

/// The same in what `/proc/PID/stat` reads; none if that is not as in proc(5).
pub fn cpu_in(stat: &str) -> Option<Duration> {
    // The command's name, in parentheses, may hold anything: fields are counted after it.
    let fields = stat.rsplit_once(')')?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().ok()?;
    let [user, system] = ticks[..] else { return None };
    Some(TICK * (user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_user_and_system_time_whatever_the_command_is_called() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu_in(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_in("7 (short) S 1"), None);
    }

    #[test]
    fn a_process_that_is_none_is_named() {
        assert_eq!(cpu(u32::MAX).unwrap_err().to_string(), "/proc/4294967295/stat");
        assert_eq!(signal(0, Signal::CONT).unwrap_err().to_string(), "process id 0");
    }
}
