//! The terminal while the view has it: raw, on its alternate screen, without a cursor. However the view ends, the terminal is as
//! it was: by [`Screen::close`], by dropping, and before a panic is printed.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::style::{Attribute, Colors, Print, SetAttribute, SetColors};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use crate::watch::{App, Look, draw};

/// More than a frame of a large screen, so that it goes out at once.
const FRAME_BYTES: usize = 256 * 1024;

/// Whether the terminal is the view's: there is one terminal, and a panic may come on any thread.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// The terminal.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// What was drawn last.
    last: Option<Buffer>,
    has_panicked: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// [`io::Error`]: standard output is no terminal, or it is gone.
    pub(super) fn open() -> io::Result<Self> {
        let has_panicked = Arc::new(AtomicBool::new(false));
        let (usual, panicked) = (std::panic::take_hook(), Arc::clone(&has_panicked));
        std::panic::set_hook(Box::new(move |panic| {
            // Relaxed: the flag guards no other memory; the loop looks again in a moment.
            panicked.store(true, Ordering::Relaxed);
            restore();
            usual(panic);
        }));
        let stdout = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(stdout))?;
        enable_raw_mode()?;
        // Relaxed: the flag guards no other memory.
        IS_OPEN.store(true, Ordering::Relaxed);
        let screen = Self { terminal, last: None, has_panicked };
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Whether some thread has panicked: the terminal is no longer the view's.
    pub(super) fn has_panicked(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.has_panicked.load(Ordering::Relaxed)
    }

    /// Draws what has changed, in one go where the terminal can.
    ///
    /// # Errors
    /// [`io::Error`]: the terminal is gone.
    pub(super) fn draw(&mut self, app: &App, look: &Look) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|frame| draw(app, look, frame))?;
        self.last = Some(drawn.buffer.clone());
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Gives the terminal back; the last screen stays in it as text if it is to.
    ///
    /// # Errors
    /// [`io::Error`]: the terminal is gone.
    pub(super) fn close(mut self, leaves_screen: bool) -> io::Result<()> {
        let last = self.last.take().filter(|_| leaves_screen);
        drop(self);
        match last {
            Some(last) => print(&last),
            None => Ok(()),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once.
fn restore() {
    // Relaxed: the flag guards no other memory.
    if IS_OPEN.swap(false, Ordering::Relaxed) {
        // the terminal may be gone
        let _ = execute!(io::stdout(), EndSynchronizedUpdate, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Prints a screen as lines of text in its colours.
fn print(screen: &Buffer) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for row in screen.content.chunks(usize::from(screen.area.width.max(1))) {
        let used = row.iter().rposition(|cell| *cell != Cell::EMPTY).map_or(0, |last| last + 1);
        let (mut style, mut skipped) = (Style::reset(), 0);
        for cell in &row[..used] {
            // the second column of a wide character is the character's
            if skipped > 0 {
                skipped -= 1;
                continue;
            }
            skipped = Span::raw(cell.symbol()).width().saturating_sub(1);
            if cell.style() != style {
                style = cell.style();
                print_style(&mut out, cell)?;
            }
            queue!(out, Print(cell.symbol()))?;
        }
        queue!(out, SetAttribute(Attribute::Reset), Print("\n"))?;
    }
    out.flush()
}

fn print_style(out: &mut impl Write, cell: &Cell) -> io::Result<()> {
    let colours = Colors::new(cell.fg.into_crossterm(), cell.bg.into_crossterm());
    queue!(out, SetAttribute(Attribute::Reset), SetColors(colours))?;
    for (modifier, attribute) in [
        (Modifier::BOLD, Attribute::Bold),
        (Modifier::DIM, Attribute::Dim),
        (Modifier::REVERSED, Attribute::Reverse),
    ] {
        if cell.modifier.contains(modifier) {
            queue!(out, SetAttribute(attribute))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    use nix::fcntl::OFlag;
    use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
    use nix::sys::termios::{LocalFlags, tcgetattr};

    use super::*;

    const ON_A_TERMINAL: &str = "TYMPAN_TEST_ON_A_TERMINAL";

    #[test]
    fn panics_with_the_terminal_in_its_hands() {
        // the test below runs it on a terminal of its own
        if std::env::var_os(ON_A_TERMINAL).is_none() {
            return;
        }
        let screen = Screen::open().unwrap();
        // on any thread
        let panicked = std::thread::spawn(|| panic!("something that never happens")).join();
        assert!(panicked.is_err() && screen.has_panicked());
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_printed() {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname_r(&master).unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture"]).env(ON_A_TERMINAL, "1");
        command.arg("cli::watch::screen::tests::panics_with_the_terminal_in_its_hands");
        command.stdin(Stdio::from(slave.try_clone().unwrap()));
        command.stdout(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut screen = File::from(OwnedFd::from(master));
        let reader = std::thread::spawn(move || {
            let (mut shown, mut bytes) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                shown.extend_from_slice(&bytes[..read]);
            }
            String::from_utf8_lossy(&shown).into_owned()
        });
        assert!(child.wait().unwrap().success());
        let settings = tcgetattr(&slave).unwrap();
        assert!(settings.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO));
        drop(slave);
        let shown = reader.join().unwrap();
        let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text:?}: {shown:?}"));
        assert!(place("\u{1b}[?1049h") < place("\u{1b}[?1049l"));
        assert!(place("\u{1b}[?25h") < place("something that never happens"));
    }
}
