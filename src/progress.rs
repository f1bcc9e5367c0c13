//! Progress on stderr: workers bump counters, one thread reads them five times a second and draws.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::memory::held_bytes;

/// How often the counters are read.
const TICK: Duration = Duration::from_millis(200);

/// How long a phase may be silent in plain mode.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A bar on a terminal, else plain lines.
    #[default]
    Auto,
    /// A bar.
    Bar,
    /// A line at the start and the end of a phase, and one every 30 seconds.
    Plain,
    /// Nothing.
    None,
}

impl Mode {
    /// Decides what [`Mode::Auto`] means: a bar only where one can be redrawn and somebody may be looking.
    pub fn resolved(self, stderr_is_terminal: bool, ci: bool, dumb: bool) -> Self {
        match self {
            Self::Auto if stderr_is_terminal && !ci && !dumb => Self::Bar,
            Self::Auto => Self::Plain,
            chosen => chosen,
        }
    }
}

/// What a phase counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of input.
    Bytes,
    /// Partitions of keys.
    Partitions,
    /// Records.
    Records,
    /// Rows of tables.
    Rows,
}

impl Unit {
    fn amount(self, number: u64) -> String {
        match self {
            Self::Bytes => BinaryBytes(number).to_string(),
            _ => HumanCount(number).to_string(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "",
            Self::Partitions => " partitions",
            Self::Records => " records",
            Self::Rows => " rows",
        }
    }
}

/// What is shown beside the work done.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// The most bytes of memory that the process may hold.
    pub memory_limit: u64,
    /// Bytes that were kept on the disk meanwhile.
    pub spilled: Arc<AtomicU64>,
}

/// The progress of one run. Dropping it ends it.
#[derive(Debug)]
pub struct Progress {
    sender: Option<Sender<Message>>,
    ticker: Option<JoinHandle<()>>,
}

enum Message {
    Phase(Phase),
    Note(String),
}

/// A phase under way.
struct Phase {
    index: usize,
    total: u64,
    unit: Unit,
    counter: Arc<AtomicU64>,
    started: Instant,
}

impl Progress {
    /// Starts to show the progress of a run through phases with these names.
    pub fn start(mode: Mode, phases: &[&'static str], gauges: Gauges) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let mode = mode.resolved(std::io::stderr().is_terminal(), std::env::var_os("CI").is_some(), dumb);
        let canvas = match mode {
            Mode::None => return Self { sender: None, ticker: None },
            Mode::Bar => Canvas::Bar(ProgressBar::hidden()),
            Mode::Auto | Mode::Plain => Canvas::Plain(Box::new(std::io::stderr())),
        };
        let (sender, receiver) = channel();
        let phases = phases.to_vec();
        let ticker = std::thread::Builder::new().name("progress".to_owned()).spawn(move || run(&receiver, canvas, &phases, gauges));
        // Without a thread there is no progress, but the run itself can do without.
        ticker.map_or(Self { sender: None, ticker: None }, |ticker| Self { sender: Some(sender), ticker: Some(ticker) })
    }

    /// Enters a phase (index from 0); the one before is over. `counter` counts up to `total_units`; 0 means unknown.
    pub fn phase(&self, index: usize, total_units: u64, unit: Unit, counter: Arc<AtomicU64>) {
        self.send(Message::Phase(Phase { index, total: total_units, unit, counter, started: Instant::now() }));
    }

    /// Prints a line without tearing the bar.
    pub fn note(&self, text: impl Into<String>) {
        self.send(Message::Note(text.into()));
    }

    /// Ends the last phase and clears the bar.
    pub fn finish(mut self) {
        self.end();
    }

    fn send(&self, message: Message) {
        if let Some(sender) = &self.sender {
            // The thread ends only with us; if it died, progress is not worth a failed run.
            let _ = sender.send(message);
        }
    }

    fn end(&mut self) {
        drop(self.sender.take());
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// The ticker thread: the only one that reads counters and draws.
fn run(receiver: &Receiver<Message>, canvas: Canvas, phases: &[&'static str], gauges: Gauges) {
    let mut painter = Painter { canvas, phases: phases.to_vec(), gauges, active: None };
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(Message::Phase(phase)) => painter.enter(phase),
            Ok(Message::Note(text)) => painter.line(&text),
            Err(RecvTimeoutError::Timeout) => painter.tick(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    painter.leave(Instant::now());
}

/// Where progress is drawn.
enum Canvas {
    Bar(ProgressBar),
    Plain(Box<dyn Write + Send>),
}

/// Draws the phases of a run.
struct Painter {
    canvas: Canvas,
    phases: Vec<&'static str>,
    gauges: Gauges,
    active: Option<Active>,
}

/// The phase being drawn and what was last shown of it.
struct Active {
    phase: Phase,
    shown: u64,
    heartbeat: Instant,
}

impl Active {
    /// Reads the counter; what is shown never goes backwards and never passes the total.
    fn read(&mut self) -> u64 {
        let limit = if self.phase.total == 0 { u64::MAX } else { self.phase.total };
        self.shown = self.shown.max(self.phase.counter.load(Ordering::Relaxed).min(limit));
        self.shown
    }
}

impl Painter {
    fn enter(&mut self, phase: Phase) {
        self.leave(phase.started);
        let title = self.title(phase.index);
        match &mut self.canvas {
            Canvas::Bar(bar) => *bar = drawn_bar(&phase, &title),
            Canvas::Plain(_) => {
                let of =
                    if phase.total == 0 { String::new() } else { format!("  {}{}", phase.unit.amount(phase.total), phase.unit.name()) };
                self.line(&format!("{title}{of}"));
            }
        }
        self.active = Some(Active { heartbeat: phase.started, phase, shown: 0 });
    }

    fn tick(&mut self, now: Instant) {
        let Some(active) = &mut self.active else { return };
        let done = active.read();
        let elapsed = now.saturating_duration_since(active.phase.started);
        let due = now.saturating_duration_since(active.heartbeat) >= HEARTBEAT;
        let (total, unit, index) = (active.phase.total, active.phase.unit, active.phase.index);
        let facts = format!("{}{}{}", rate(unit, done, elapsed), left(done, total, elapsed), self.gauges.show());
        if let Canvas::Bar(bar) = &self.canvas {
            bar.set_message(facts);
            bar.set_position(done);
        } else if due {
            active.heartbeat = now;
            let line = format!("{}  {}  {facts}", self.title(index), position(unit, done, total));
            self.line(&line);
        }
    }

    fn leave(&mut self, now: Instant) {
        let Some(mut active) = self.active.take() else { return };
        let done = active.read();
        let elapsed = now.saturating_duration_since(active.phase.started);
        let unit = active.phase.unit;
        let line = format!(
            "{}  done  {}{}  {}",
            self.title(active.phase.index),
            unit.amount(done),
            unit.name(),
            rate(unit, done, elapsed) + &self.gauges.show()
        );
        if let Canvas::Bar(bar) = &self.canvas {
            bar.finish_and_clear();
        }
        self.line(&line);
    }

    /// Writes a line of its own; a closed stderr is no reason to stop a run.
    fn line(&mut self, text: &str) {
        match &mut self.canvas {
            Canvas::Bar(bar) => bar.suspend(|| drop(writeln!(std::io::stderr(), "{text}"))),
            Canvas::Plain(out) => drop(writeln!(out, "{text}")),
        }
    }

    fn title(&self, index: usize) -> String {
        let name = self.phases.get(index).copied().unwrap_or("work");
        let width = self.phases.iter().map(|phase| phase.len()).max().unwrap_or(0);
        format!("{}/{} {name:<width$}", index + 1, self.phases.len().max(index + 1))
    }
}

fn drawn_bar(phase: &Phase, title: &str) -> ProgressBar {
    let length = (phase.total > 0).then_some(phase.total);
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(5));
    let template = if length.is_some() { "{prefix} [{wide_bar}] {percent:>3} %  {msg}" } else { "{prefix} {spinner} {msg}" };
    let style = ProgressStyle::with_template(template).expect("the template is fixed and valid").progress_chars("=> ");
    bar.set_style(style);
    bar.set_prefix(title.to_owned());
    bar
}

fn position(unit: Unit, done: u64, total: u64) -> String {
    if total == 0 {
        return format!("{}{}", unit.amount(done), unit.name());
    }
    // Rounded down: 100 % means done.
    let percent = u128::from(done) * 100 / u128::from(total);
    format!("{percent} %  {} of {}{}", unit.amount(done), unit.amount(total), unit.name())
}

fn rate(unit: Unit, done: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let per_second = if seconds > 0.0 { (done as f64 / seconds) as u64 } else { 0 };
    format!("{}/s  {seconds:.1} s", unit.amount(per_second))
}

/// Says how long a phase will yet take at the rate so far, once a twentieth of it is done.
fn left(done: u64, total: u64, elapsed: Duration) -> String {
    const KNOWN_SHARE: u64 = 20;
    if total == 0 || done < total.div_ceil(KNOWN_SHARE) {
        return String::new();
    }
    let seconds = elapsed.as_secs_f64() * (total.saturating_sub(done)) as f64 / done as f64;
    format!("  {seconds:.0} s left")
}

impl Gauges {
    fn show(&self) -> String {
        let mut text = match (held_bytes(), self.memory_limit) {
            (Some(held), 0 | u64::MAX) => format!("  {}", BinaryBytes(held)),
            (Some(held), limit) => format!("  {} of {}", BinaryBytes(held), BinaryBytes(limit)),
            (None, _) => String::new(),
        };
        let spilled = self.spilled.load(Ordering::Relaxed);
        if spilled > 0 {
            text.push_str(&format!("  {} on the disk", BinaryBytes(spilled)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A writer whose text can be read while it is in use.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    fn plain() -> (Painter, Shared) {
        let shared = Shared::default();
        (
            Painter {
                canvas: Canvas::Plain(Box::new(shared.clone())),
                phases: vec!["open", "read"],
                gauges: Gauges::default(),
                active: None,
            },
            shared,
        )
    }

    fn reading(counter: &Arc<AtomicU64>, started: Instant) -> Phase {
        Phase { index: 1, total: 2_048, unit: Unit::Bytes, counter: Arc::clone(counter), started }
    }

    #[test]
    fn a_bar_only_where_it_can_be_redrawn() {
        assert_eq!(Mode::Auto.resolved(true, false, false), Mode::Bar);
        for (terminal, ci, dumb) in [(false, false, false), (true, true, false), (true, false, true)] {
            assert_eq!(Mode::Auto.resolved(terminal, ci, dumb), Mode::Plain);
        }
        assert_eq!(Mode::Bar.resolved(false, true, true), Mode::Bar);
        assert_eq!(Mode::None.resolved(true, false, false), Mode::None);
    }

    #[test]
    fn plain_lines_at_start_and_end_and_a_heartbeat_between() {
        let (mut painter, shared) = plain();
        let (counter, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
        painter.enter(reading(&counter, start));
        assert_eq!(shared.lines(), ["2/2 read  2.00 KiB"]);
        counter.store(1_024, Ordering::Relaxed);
        painter.tick(start + Duration::from_secs(29));
        assert_eq!(shared.lines().len(), 1, "no line per tick");
        painter.tick(start + Duration::from_secs(30));
        assert!(shared.lines()[1].starts_with("2/2 read  50 %  1.00 KiB of 2.00 KiB  34 B/s  30.0 s  30 s left"), "{:?}", shared.lines());
        painter.tick(start + Duration::from_secs(31));
        assert_eq!(shared.lines().len(), 2);
        counter.store(2_048, Ordering::Relaxed);
        painter.leave(start + Duration::from_secs(32));
        assert!(shared.lines()[2].starts_with("2/2 read  done  2.00 KiB  64 B/s  32.0 s"), "{:?}", shared.lines());
        painter.leave(start + Duration::from_secs(33));
        assert_eq!(shared.lines().len(), 3, "a phase ends once");
    }

    #[test]
    fn progress_never_goes_backwards_nor_past_the_total() {
        let counter = Arc::new(AtomicU64::new(1_000));
        let started = Instant::now();
        let mut active = Active { phase: reading(&counter, started), shown: 0, heartbeat: started };
        assert_eq!(active.read(), 1_000);
        counter.store(10, Ordering::Relaxed);
        assert_eq!(active.read(), 1_000);
        counter.store(9_999, Ordering::Relaxed);
        assert_eq!(active.read(), 2_048);
    }

    #[test]
    fn the_thread_draws_every_phase_and_ends_with_the_progress() {
        let shared = Shared::default();
        let (sender, receiver) = channel();
        let canvas = Canvas::Plain(Box::new(shared.clone()));
        let ticker = std::thread::spawn(move || run(&receiver, canvas, &["open", "read"], Gauges::default()));
        let progress = Progress { sender: Some(sender), ticker: Some(ticker) };
        progress.phase(0, 0, Unit::Rows, Arc::new(AtomicU64::new(3)));
        progress.note("a note");
        progress.phase(1, 5, Unit::Partitions, Arc::new(AtomicU64::new(5)));
        progress.finish();
        let lines = shared.lines();
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!(lines[..2], ["1/2 open", "a note"]);
        assert!(lines[2].starts_with("1/2 open  done  3 rows"), "{lines:?}");
        assert_eq!(lines[3], "2/2 read  5 partitions");
        assert!(lines[4].starts_with("2/2 read  done  5 partitions"), "{lines:?}");
    }

    #[test]
    fn what_is_left_is_said_once_it_is_known() {
        let after = |done, total| left(done, total, Duration::from_secs(10));
        assert_eq!((after(50, 0), after(4, 100)), (String::new(), String::new()));
        assert_eq!((after(5, 100).as_str(), after(100, 100).as_str()), ("  190 s left", "  0 s left"));
        let spilled = Gauges { memory_limit: 1 << 30, spilled: Arc::new(AtomicU64::new(3 << 20)) };
        assert!(spilled.show().ends_with("3.00 MiB on the disk"), "{}", spilled.show());
    }
}
