//! `/stacks`: what the threads of the process do. Native threads have no stacks that could be read from outside, but the
//! kernel knows what each of them waits in, and the runtimes know how much they have to do.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::process::{self, Thread};

/// The page. Runtimes have names, such as `data`.
pub fn stacks(runtimes: &[(&str, &Handle)]) -> String {
    let threads = process::threads();
    let mut page = format!("Process Thread Dump: \n{} active threads\n", threads.len());
    for thread in &threads {
        page.push_str(&describe(thread));
    }
    for (name, runtime) in runtimes {
        let metrics = runtime.metrics();
        let workers = 0..metrics.num_workers();
        let busy: Duration = workers.clone().map(|worker| metrics.worker_total_busy_duration(worker)).sum();
        let parked: u64 = workers.map(|worker| metrics.worker_park_count(worker)).sum();
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "Runtime {name}:\n  Workers: {}\n  Tasks: {}\n  Tasks waiting for a worker: {}\n  Busy: {:.2} s\n  Times \
             parked: {parked}",
            metrics.num_workers(),
            metrics.num_alive_tasks(),
            metrics.global_queue_depth(),
            busy.as_secs_f64(),
        );
    }
    page
}

fn describe(thread: &Thread) -> String {
    let state = match thread.state {
        'R' => "RUNNING",
        'S' => "SLEEPING",
        'D' => "WAITING FOR DISK",
        'T' | 't' => "STOPPED",
        'I' => "IDLE",
        _ => "ENDED",
    };
    let mut text = format!("Thread {} ({}):\n  State: {state}\n", thread.id, thread.name);
    if !thread.waits_in.is_empty() {
        text.push_str(&format!("  Waiting in {}\n", thread.waits_in));
    }
    // A tick is 10 ms.
    let (seconds, hundredths) = (thread.cpu_ticks / 100, thread.cpu_ticks % 100);
    text.push_str(&format!("  CPU time: {seconds}.{hundredths:02} s\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_described() {
        let mut thread = Thread { id: 7, name: "data".into(), state: 'S', waits_in: "ep_poll".into(), cpu_ticks: 1205 };
        let expected = "Thread 7 (data):\n  State: SLEEPING\n  Waiting in ep_poll\n  CPU time: 12.05 s\n";
        assert_eq!(describe(&thread), expected);
        thread.waits_in.clear();
        assert_eq!(describe(&thread), "Thread 7 (data):\n  State: SLEEPING\n  CPU time: 12.05 s\n");
    }

    #[tokio::test]
    async fn runtimes_are_described_by_name() {
        let page = stacks(&[("data", &Handle::current())]);
        assert!(page.starts_with("Process Thread Dump: \n"), "{page}");
        assert!(page.contains("\nRuntime data:\n  Workers: 1\n"), "{page}");
    }
}
