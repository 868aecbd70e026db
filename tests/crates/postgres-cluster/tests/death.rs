//! A server and its files do not outlive the process that started them.
#![cfg(unix)]

mod common;

use std::io::{self, Read};

use common::Owner;
use postgres_cluster::{Cluster, shared};
use rustix::process::Signal;

#[test]
fn a_process_that_is_killed_leaves_nothing() {
    if !common::is_installed("a_process_that_is_killed_leaves_nothing") {
        return;
    }
    let mut owner = Owner::start("a_process_with_a_cluster");
    owner.child.kill().expect("it runs");
    owner.assert_gone();
}

#[test]
fn a_process_group_that_is_interrupted_leaves_nothing() {
    if !common::is_installed("a_process_group_that_is_interrupted_leaves_nothing") {
        return;
    }
    let owner = Owner::start("a_process_with_a_cluster");
    owner.signal_group(Signal::INT);
    owner.assert_gone();
}

#[test]
fn a_process_that_ends_leaves_nothing_of_the_shared_cluster() {
    if !common::is_installed("a_process_that_ends_leaves_nothing") {
        return;
    }
    let mut owner = Owner::start("a_process_with_the_shared_cluster");
    drop(owner.child.stdin.take());
    owner.assert_gone();
}

#[test]
fn two_processes_start_at_once() {
    if !common::is_installed("two_processes_start_at_once") {
        return;
    }
    let children = [(); 2].map(|()| Owner::spawn("a_process_with_a_cluster"));
    let mut owners = children.map(Owner::from);
    assert_ne!(owners[0].port, owners[1].port);
    for owner in &mut owners {
        drop(owner.child.stdin.take());
    }
    owners.into_iter().for_each(Owner::assert_gone);
}

#[test]
#[ignore = "started by the tests above in a process of its own"]
fn a_process_with_a_cluster() {
    run(&Cluster::start().expect("PostgreSQL is installed"));
}

#[test]
#[ignore = "started by the test above in a process of its own"]
fn a_process_with_the_shared_cluster() {
    run(shared().expect("PostgreSQL is installed"));
}

/// Reports the cluster, and ends when its input does.
fn run(cluster: &Cluster) {
    common::report(cluster);
    io::stdin().read_to_end(&mut Vec::new()).expect("it is a pipe");
}
