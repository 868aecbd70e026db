//! The live view: plain where there is no terminal, and drawn where there is one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use bank::domain::Deposit;

use crate::process::office;
use crate::program::{Place, arguments, bank, program};

fn watch(db: &Path) -> Command {
    program(arguments(&["watch"], &[("--db", db)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_terminal_it_is_a_line_at_each_look() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).succeeded();
    assert_eq!(bank(&db, &["withdraw", "a-1", "900"]).code, Some(1));
    let mut watch = watch(&db).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output is piped")).lines();
    let mut line = || lines.next().expect("it goes on").expect("it is text");
    let first = line();
    assert!(first.ends_with("waiting 0  ready 0  running 0  succeeded 1  failed 1  cancelled 0"), "{first}");
    let office = office(&db).await;
    office.publish(Deposit { account: "a-1".into(), cents: 1, transaction: None }).await.expect("published");
    let next = (0..10).map(|_| line()).find(|line| line.contains("ready 1")).expect("it is seen, and stays");
    assert!(next.contains("published 1/s  ended 0/s"), "{next}");
    // It only looks: nothing runs because of it.
    assert!(line().contains("ready 1"));
    watch.kill().expect("it can be ended");
    watch.wait().expect("it has ended");
}

/// A terminal, and a program that runs on it.
struct Terminal {
    /// The side of whoever sits before it.
    user: OwnedFd,
    /// The side of the program.
    device: File,
    program: Child,
    /// How it was set before the program ran.
    before: String,
}

impl Terminal {
    fn watch(db: &Path) -> Self {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&user).expect("it is ours");
        unlockpt(&user).expect("it is ours");
        let name = ptsname(&user, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("a path");
        let device = File::options().read(true).write(true).open(name).expect("it opens");
        tcsetwinsize(&device, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("it has a size");
        let side = || Stdio::from(device.try_clone().expect("it can be shared"));
        let before = settings(&device);
        let mut program = watch(db);
        program.stdin(side()).stdout(side()).stderr(side()).env("TERM", "xterm-256color");
        let program = program.spawn().expect("the program starts");
        Self { user, device, program, before }
    }

    fn press(&self, key: &[u8]) {
        rustix::io::write(&self.user, key).expect("a key is pressed");
    }

    /// Reads what is drawn until this is part of it.
    fn read_until(&self, text: &str) -> String {
        let mut read = File::from(self.user.try_clone().expect("it can be shared"));
        let mut drawn = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&drawn).contains(text) {
            let count = read.read(&mut buffer).expect("it is drawn on");
            drawn.extend(&buffer[..count]);
        }
        String::from_utf8_lossy(&drawn).into_owned()
    }
}

fn settings(terminal: &File) -> String {
    format!("{:?}", tcgetattr(terminal).expect("it has settings"))
}

const LEAVES_ALTERNATE_SCREEN: &str = "\x1b[?1049l";

#[test]
fn on_a_terminal_it_draws_and_leaves_it_as_it_was() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).succeeded();
    assert_eq!(bank(&db, &["withdraw", "a-1", "900"]).code, Some(1));
    let enough: [fn(&Terminal); 3] = [
        |terminal| terminal.press(b"q"),
        // Ctrl-C, which is no signal while the program draws.
        |terminal| terminal.press(b"\x03"),
        |terminal| kill_process(Pid::from_child(&terminal.program), Signal::TERM).expect("it is there"),
    ];
    for ask in enough {
        let mut terminal = Terminal::watch(&db);
        let drawn = terminal.read_until("ends");
        for text in ["bank.db", "Deposit", "Withdraw", "cancelled", "covered"] {
            assert!(drawn.contains(text), "{text}: {drawn}");
        }
        assert_ne!(settings(&terminal.device), terminal.before, "keys are not echoed while it draws");
        ask(&terminal);
        terminal.read_until(LEAVES_ALTERNATE_SCREEN);
        assert_eq!(terminal.program.wait().expect("it ends").code(), Some(0));
        assert_eq!(settings(&terminal.device), terminal.before);
    }
}
