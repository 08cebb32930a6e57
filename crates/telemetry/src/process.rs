//! What the kernel says about this process. Everything is 0 or empty where there is no `/proc`.

use std::fs;

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// In use, as the kernel counts it.
    pub resident: u64,
    /// The most that was ever in use.
    pub peak: u64,
    /// The most that this process may use: the limit of its container, else what the machine has.
    pub limit: u64,
}

/// A thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub id: u64,
    /// Its name; the kernel keeps 15 characters.
    pub name: String,
    /// The letter of its state: R runs, S sleeps, D waits for a disk.
    pub state: char,
    /// The kernel function that it waits in, where the kernel tells.
    pub waits_in: String,
    /// CPU time that it has used, in ticks of 10 ms.
    pub cpu_ticks: u64,
}

/// Memory of this process.
pub fn memory() -> Memory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let (resident, peak) = (kib(&status, "VmRSS:"), kib(&status, "VmHWM:"));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let machine = || kib(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal:");
    Memory { resident, peak: peak.max(resident), limit: container.unwrap_or_else(machine) }
}

/// A line `NAME  123 kB`, in bytes.
fn kib(text: &str, name: &str) -> u64 {
    let number = text.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse::<u64>().ok()).map_or(0, |kib| kib.saturating_mul(1024))
}

/// The threads of this process, by id. One that ends meanwhile is left out.
pub fn threads() -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut threads: Vec<Thread> = tasks.filter_map(|task| thread(&task.path())).collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

fn thread(task: &std::path::Path) -> Option<Thread> {
    let mut thread = parse_stat(&fs::read_to_string(task.join("stat")).ok()?)?;
    let waits_in = fs::read_to_string(task.join("wchan")).unwrap_or_default();
    thread.waits_in = if waits_in == "0" { String::new() } else { waits_in };
    Some(thread)
}

/// `id (name) state ...`; a name may hold anything, parentheses too.
fn parse_stat(stat: &str) -> Option<Thread> {
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Some(Thread {
        id: id.parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        waits_in: String::new(),
        cpu_ticks: ticks(11) + ticks(12),
    })
}

/// The name of this machine.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_whatever_its_name() {
        let stat = "7 (a) b (c) S 1 2 3 0 -1 4 5 6 7 8 30 12 0 0 20";
        let expected = Thread { id: 7, name: "a) b (c".into(), state: 'S', waits_in: String::new(), cpu_ticks: 42 };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn numbers_are_in_bytes() {
        assert_eq!(kib("VmPeak:\t 9 kB\nVmRSS:\t  12 kB\n", "VmRSS:"), 12 << 10);
        assert_eq!(kib("", "VmRSS:"), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen() {
        let memory = memory();
        assert!(memory.resident > 0 && memory.peak >= memory.resident && memory.limit > memory.resident, "{memory:?}");
        assert!(threads().iter().any(|thread| thread.state == 'R'));
        assert!(!host().is_empty());
    }
}
