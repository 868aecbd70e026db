//! On a terminal: tables that are drawn anew at each look.

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

use super::super::output::explain;
use super::super::stop::Stop;
use super::look::{Look, Onlooker};

/// How many looks the course of a rate is kept for: more than a screen is wide.
const KEPT: usize = 500;

/// How long the thread that waits for keys waits before it looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(100);

/// Draws until the user has seen enough. The terminal is then as it was, and so it is after a panic.
pub(super) async fn watch(mut onlooker: Onlooker, database: &str) -> Result<()> {
    let mut stop = Stop::listen()?;
    // From here on a panic restores the terminal before it says anything.
    let mut terminal = ratatui::try_init()?;
    let _restored = Restored;
    let mut inputs = Inputs::listen();
    let mut course = VecDeque::new();
    let mut look = onlooker.look().await?;
    loop {
        terminal.draw(|frame| draw(frame, database, &look, &course))?;
        tokio::select! {
            () = tokio::time::sleep(look.pause) => {
                look = onlooker.look().await?;
                course.push_front(look.rates.map_or(0, |rates| whole(rates.ended)));
                course.truncate(KEPT);
            }
            input = inputs.next() => {
                if input? == Input::Enough {
                    return Ok(());
                }
            }
            () = stop.asked() => return Ok(()),
        }
    }
}

/// Gives the terminal back when it is dropped.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

#[derive(Debug, PartialEq)]
enum Input {
    /// The user has seen enough.
    Enough,
    /// The terminal has another size, say.
    Redraw,
}

/// What the user does, as told by a thread that waits for it.
struct Inputs {
    received: mpsc::Receiver<io::Result<Input>>,
    unwanted: Arc<AtomicBool>,
}

impl Inputs {
    fn listen() -> Self {
        let (send, received) = mpsc::channel(1);
        let unwanted = Arc::new(AtomicBool::new(false));
        let is_unwanted = unwanted.clone();
        thread::spawn(move || {
            while !is_unwanted.load(Ordering::Relaxed) {
                let read = event::poll(PATIENCE).and_then(|is_there| is_there.then(event::read).transpose());
                let Some(input) = read.map(|event| event.as_ref().and_then(meaning)).transpose() else {
                    continue;
                };
                let is_over = input.is_err();
                if send.blocking_send(input).is_err() || is_over {
                    return;
                }
            }
        });
        Self { received, unwanted }
    }

    async fn next(&mut self) -> io::Result<Input> {
        self.received.recv().await.unwrap_or(Ok(Input::Enough))
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}

fn meaning(event: &Event) -> Option<Input> {
    match event {
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => {
            let is_control_c = *code == KeyCode::Char('c') && modifiers.contains(KeyModifiers::CONTROL);
            let is_enough = is_control_c || matches!(code, KeyCode::Char('q') | KeyCode::Esc);
            is_enough.then_some(Input::Enough)
        }
        Event::Resize(..) => Some(Input::Redraw),
        _ => None,
    }
}

fn draw(frame: &mut Frame<'_>, database: &str, look: &Look, course: &VecDeque<u64>) {
    let names = u16::try_from(look.names.len()).unwrap_or(u16::MAX).saturating_add(4);
    let [title, rates, jobs, failures, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(6),
        Constraint::Max(names),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let time = look.at.strftime("%F %T UTC").to_string();
    frame.render_widget(Line::from(vec!["bank ".bold(), database.into(), "  ".into(), time.dim()]), title);
    draw_rates(frame, rates, look, course);
    draw_jobs(frame, jobs, look);
    draw_failures(frame, failures, &look.failures);
    frame.render_widget("q ends".dim(), keys);
}

fn draw_rates(frame: &mut Frame<'_>, area: Rect, look: &Look, course: &VecDeque<u64>) {
    let title = match look.rates {
        None => " jobs a second ".to_owned(),
        Some(rates) => format!(" {:.0} published and {:.0} ended a second ", rates.published, rates.ended),
    };
    let width = usize::from(area.width.saturating_sub(2));
    // The latest one is at the right.
    let course: Vec<_> = course.iter().take(width).rev().copied().collect();
    frame.render_widget(Sparkline::default().data(course).block(Block::bordered().title(title)), area);
}

fn draw_jobs(frame: &mut Frame<'_>, area: Rect, look: &Look) {
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
    let rows = look.names.iter().map(|(name, counts)| row(name, counts));
    let rows = rows.chain([row("all", &look.totals()).bold()]);
    let widths = std::iter::once(Constraint::Min(20)).chain(JobState::ALL.map(|_| Constraint::Length(10)));
    frame.render_widget(
        Table::new(rows, widths).header(header).block(Block::bordered().title(" jobs ")),
        area,
    );
}

fn draw_failures(frame: &mut Frame<'_>, area: Rect, failures: &[Job]) {
    let rows = failures.iter().map(|job| {
        let why = job.failure.as_ref().map_or_else(String::new, explain);
        let ended = job.ended_at.map_or_else(String::new, |ended| ended.strftime("%T").to_string());
        Row::new([ended, job.id.to_string(), job.name.to_string(), why])
    });
    let widths = [Constraint::Length(8), Constraint::Length(36), Constraint::Length(20), Constraint::Min(20)];
    frame.render_widget(Table::new(rows, widths).block(Block::bordered().title(" failed last ")), area);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is no less than 0, and no more than a few millions"
)]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}
