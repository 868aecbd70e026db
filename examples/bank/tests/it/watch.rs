//! `bank watch`, on a terminal and without one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use bank::domain::Deposit;

use crate::process::publisher;
use crate::program::{TestDir, arguments, bank, program};

fn watch(db: &Path) -> Command {
    program(arguments(&["watch"], &[("--db", db)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_prints_a_line_per_snapshot() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).success();
    assert_eq!(bank(&db, &["withdraw", "a-1", "900"]).code, Some(1));
    let mut watch = watch(&db).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("stdout is piped")).lines();
    let mut line = || lines.next().expect("another line").expect("the output is UTF-8");
    let first = line();
    assert!(first.ends_with("waiting 0  ready 0  running 0  succeeded 1  failed 1  cancelled 0"), "{first}");
    let publisher = publisher(&db).await;
    publisher
        .publish(Deposit { account: "a-1".into(), cents: 1, transaction: None })
        .await
        .expect("published");
    let next = (0..10).map(|_| line()).find(|line| line.contains("ready 1")).expect("the job is shown");
    assert!(next.contains("published 1/s  ended 0/s"), "{next}");
    // `watch` runs no jobs.
    assert!(line().contains("ready 1"));
    watch.kill().expect("the program can be killed");
    watch.wait().expect("the program can be waited for");
}

/// A pseudoterminal with `bank watch` running on it.
struct Terminal {
    /// The user's side.
    user: OwnedFd,
    /// The program's side.
    device: File,
    program: Child,
    /// The terminal's settings before the program started.
    initial_settings: String,
}

impl Terminal {
    fn watch(db: &Path) -> Self {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudoterminal is available");
        grantpt(&user).expect("access is granted");
        unlockpt(&user).expect("the terminal is unlocked");
        let name = ptsname(&user, Vec::new()).expect("the terminal has a name");
        let name = name.to_str().expect("the name is UTF-8");
        let device = File::options().read(true).write(true).open(name).expect("the terminal opens");
        tcsetwinsize(&device, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("the size is set");
        let stdio = || Stdio::from(device.try_clone().expect("the handle is cloned"));
        let initial_settings = settings(&device);
        let mut program = watch(db);
        program.stdin(stdio()).stdout(stdio()).stderr(stdio()).env("TERM", "xterm-256color");
        let program = program.spawn().expect("the program starts");
        Self { user, device, program, initial_settings }
    }

    fn press(&self, key: &[u8]) {
        rustix::io::write(&self.user, key).expect("the key is sent");
    }

    /// Reads the program's output until it contains `text`, and returns it.
    fn read_until(&self, text: &str) -> String {
        let mut read = File::from(self.user.try_clone().expect("the handle is cloned"));
        let mut output = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&output).contains(text) {
            let count = read.read(&mut buffer).expect("the output is readable");
            output.extend(&buffer[..count]);
        }
        String::from_utf8_lossy(&output).into_owned()
    }
}

fn settings(terminal: &File) -> String {
    format!("{:?}", tcgetattr(terminal).expect("the settings are readable"))
}

const LEAVE_ALTERNATE_SCREEN: &str = "\x1b[?1049l";

#[test]
fn on_a_terminal_it_draws_and_restores_the_terminal() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).success();
    assert_eq!(bank(&db, &["withdraw", "a-1", "900"]).code, Some(1));
    let ways_to_quit: [fn(&Terminal); 3] = [
        |terminal| terminal.press(b"q"),
        // Ctrl-C, which the terminal sends as a key in raw mode.
        |terminal| terminal.press(b"\x03"),
        |terminal| kill_process(Pid::from_child(&terminal.program), Signal::TERM).expect("the program runs"),
    ];
    for quit in ways_to_quit {
        let mut terminal = Terminal::watch(&db);
        let output = terminal.read_until("quit");
        for text in ["bank.db", "Deposit", "Withdraw", "cancelled", "covered"] {
            assert!(output.contains(text), "{text}: {output}");
        }
        assert_ne!(settings(&terminal.device), terminal.initial_settings, "keys are not echoed");
        quit(&terminal);
        terminal.read_until(LEAVE_ALTERNATE_SCREEN);
        assert_eq!(terminal.program.wait().expect("the program exits").code(), Some(0));
        assert_eq!(settings(&terminal.device), terminal.initial_settings);
    }
}
