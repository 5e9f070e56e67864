//! The terminal while the view has it: raw, on its alternate screen, without a cursor. However the view ends, the terminal is as
//! it was: by [`Screen::close`], by dropping, and before a panic is printed.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::style::{Attribute, Colors, Print, SetAttribute, SetColors};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::style::Modifier;

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
        let mut skipped = 0;
        for cell in row {
            // the second column of a wide character is the character's
            if skipped > 0 {
                skipped -= 1;
                continue;
            }
            skipped = ratatui::text::Span::raw(cell.symbol()).width().saturating_sub(1);
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
            queue!(out, Print(cell.symbol()))?;
        }
        queue!(out, SetAttribute(Attribute::Reset), Print("\n"))?;
    }
    out.flush()
}
