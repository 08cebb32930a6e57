//! The operator, and how it ends.

use std::thread;
use std::time::Duration;

use anabranch_e2e::kube::{helm, kubectl, on_node, until, wait_for};
use anyhow::Result;

use crate::rig::SYSTEM;

const PODS: &str = "app.kubernetes.io/name=anabranch-operator";
/// The program's name as the kernel has it.
const PROGRAM: &str = "anabranch-opera";
/// When operators are killed, from the beginning of a step on.
const KILLED: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(1500)];

/// Removes the release, if it is there.
///
/// # Errors
/// What helm says.
pub fn delete() -> Result<()> {
    helm(&["uninstall", "anabranch", "--namespace", SYSTEM, "--ignore-not-found", "--wait"]).map(drop)
}

/// Does something while every operator is killed several times, and waits until an operator is back.
pub fn killed_during<T>(step: impl FnOnce() -> T) -> T {
    let done = thread::scope(|scope| {
        let killing = scope.spawn(|| {
            let mut before = Duration::ZERO;
            for at in KILLED {
                // The moments are the point: in the middle of whatever the step begins.
                thread::sleep(at - before);
                kill();
                before = at;
            }
        });
        let done = step();
        killing.join().unwrap();
        done
    });
    // A container that ends again and again is started later and later; another pod begins anew.
    kubectl(&["delete", "pods", "-n", SYSTEM, "-l", PODS, "--force", "--grace-period=0"]).unwrap();
    wait_for("condition=Available", &["-n", SYSTEM, "deployment/anabranch"]).unwrap();
    done
}

/// Kills the operators that run, and waits until there is one to kill.
fn kill() {
    until("an operator to kill", || on_node(&["pkill", "-KILL", "-x", PROGRAM])).unwrap();
}
