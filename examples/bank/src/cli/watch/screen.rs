//! The output on a terminal: tables that are redrawn for each snapshot.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use enact::prelude::*;
use enact::{Job, JobState};
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Row, Sparkline, Table};
use tokio::sync::mpsc;

use super::super::output::describe;
use super::super::signals::StopSignals;
use super::snapshot::{Sampler, Snapshot};

/// The number of rates kept for the chart. No screen is wider.
const MAX_HISTORY: usize = 500;

/// How long the input thread waits for a key before it checks whether to stop.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// Draws until the user quits. The terminal is restored afterwards, also after a panic.
pub(super) async fn watch(mut sampler: Sampler, database: &str) -> Result<()> {
    let mut stop = StopSignals::listen()?;
    // Installs a panic hook that restores the terminal before it prints the message.
    let mut terminal = ratatui::try_init()?;
    let _restore = RestoreOnDrop;
    let mut inputs = Inputs::listen();
    let mut history = VecDeque::new();
    let mut snapshot = sampler.take().await?;
    loop {
        terminal.draw(|frame| draw(frame, database, &snapshot, &history))?;
        tokio::select! {
            () = tokio::time::sleep(snapshot.pause) => {
                snapshot = sampler.take().await?;
                history.push_front(snapshot.rates.map_or(0, |rates| round(rates.ended)));
                history.truncate(MAX_HISTORY);
            }
            input = inputs.next() => {
                if input? == Input::Quit {
                    return Ok(());
                }
            }
            () = stop.recv() => return Ok(()),
        }
    }
}

/// Restores the terminal when it is dropped.
struct RestoreOnDrop;

impl Drop for RestoreOnDrop {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

#[derive(Debug, PartialEq)]
enum Input {
    Quit,
    Redraw,
}

/// The user's inputs, read by a thread.
struct Inputs {
    receiver: mpsc::Receiver<io::Result<Input>>,
    stop: Arc<AtomicBool>,
}

impl Inputs {
    fn listen() -> Self {
        let (sender, receiver) = mpsc::channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Some(input) = poll().transpose() else { continue };
                let is_error = input.is_err();
                if sender.blocking_send(input).is_err() || is_error {
                    return;
                }
            }
        });
        Self { receiver, stop }
    }

    async fn next(&mut self) -> io::Result<Input> {
        self.receiver.recv().await.unwrap_or(Ok(Input::Quit))
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Waits for an input, up to [`POLL_TIMEOUT`].
fn poll() -> io::Result<Option<Input>> {
    if event::poll(POLL_TIMEOUT)? { Ok(input_of(&event::read()?)) } else { Ok(None) }
}

fn input_of(event: &Event) -> Option<Input> {
    match event {
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => {
            let is_ctrl_c = *code == KeyCode::Char('c') && modifiers.contains(KeyModifiers::CONTROL);
            let is_quit = is_ctrl_c || matches!(code, KeyCode::Char('q') | KeyCode::Esc);
            is_quit.then_some(Input::Quit)
        }
        Event::Resize(..) => Some(Input::Redraw),
        _ => None,
    }
}

fn draw(frame: &mut Frame<'_>, database: &str, snapshot: &Snapshot, history: &VecDeque<u64>) {
    let jobs_height = u16::try_from(snapshot.counts.len()).unwrap_or(u16::MAX).saturating_add(4);
    let [title, rates, jobs, failures, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(6),
        Constraint::Max(jobs_height),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let time = snapshot.at.strftime("%F %T UTC").to_string();
    frame.render_widget(Line::from(vec!["bank ".bold(), database.into(), "  ".into(), time.dim()]), title);
    draw_rates(frame, rates, snapshot, history);
    draw_jobs(frame, jobs, snapshot);
    draw_failures(frame, failures, &snapshot.failures);
    frame.render_widget("q: quit".dim(), keys);
}

fn draw_rates(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, history: &VecDeque<u64>) {
    let title = match snapshot.rates {
        None => " jobs per second ".to_owned(),
        Some(rates) => {
            format!(" jobs per second: {:.0} published, {:.0} ended ", rates.published, rates.ended)
        }
    };
    let width = usize::from(area.width.saturating_sub(2));
    // The latest rate is on the right.
    let rates: Vec<_> = history.iter().take(width).rev().copied().collect();
    frame.render_widget(Sparkline::default().data(rates).block(Block::bordered().title(title)), area);
}

fn draw_jobs(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let row = |name: &str, counts: &[u64]| {
        let counts = JobState::ALL.iter().zip(counts).map(|(state, count)| {
            let style = match (state, count) {
                (_, 0) => Style::new().dim(),
                (JobState::Failed, _) => Style::new().fg(Color::Red),
                (JobState::Running, _) => Style::new().fg(Color::Green),
                _ => Style::new(),
            };
            Line::from(Span::styled(count.to_string(), style)).right_aligned()
        });
        Row::new(std::iter::once(Line::from(name.to_owned())).chain(counts).collect::<Vec<_>>())
    };
    let names = JobState::ALL.iter().map(|state| Line::from(state.as_str()).right_aligned());
    let header = Row::new(std::iter::once(Line::from("")).chain(names).collect::<Vec<_>>()).bold();
    let rows = snapshot.counts.iter().map(|(name, counts)| row(name, counts));
    let rows = rows.chain([row("total", &snapshot.totals()).bold()]);
    let widths =
        std::iter::once(Constraint::Min(20)).chain(JobState::ALL.iter().map(|_| Constraint::Length(10)));
    frame.render_widget(
        Table::new(rows, widths).header(header).block(Block::bordered().title(" jobs ")),
        area,
    );
}

fn draw_failures(frame: &mut Frame<'_>, area: Rect, failures: &[Job]) {
    let rows = failures.iter().map(|job| {
        let failure = job.failure.as_ref().map_or_else(String::new, describe);
        let ended = job.ended_at.map_or_else(String::new, |ended| ended.strftime("%T").to_string());
        Row::new([ended, job.id.to_string(), job.name.to_string(), failure])
    });
    let widths = [Constraint::Length(8), Constraint::Length(36), Constraint::Length(20), Constraint::Min(20)];
    frame.render_widget(Table::new(rows, widths).block(Block::bordered().title(" latest failures ")), area);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative, and far below u64::MAX"
)]
fn round(rate: f64) -> u64 {
    rate.round() as u64
}
