//! The keys: one table of which key does what, read by the state and printed by help.

/// A key, as far as the view tells keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
    /// Arrow to the left.
    Left,
    /// Arrow to the right.
    Right,
    /// Tab.
    Tab,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Ends the view.
    Quit,
    /// Ends the view and leaves its last screen in the terminal.
    QuitLeavingScreen,
    /// Holds the screen, or lets it go on.
    Freeze,
    /// Towards older audio; freezes.
    Back,
    /// Towards newer audio.
    Forward,
    /// Begins to type a part of a label.
    Filter,
    /// Shows the next source or daemon.
    NextSource,
    /// More seconds across.
    MoreSeconds,
    /// Fewer seconds across.
    FewerSeconds,
    /// Sweep or scroll.
    ToggleMotion,
    /// The reasons why labels are no events.
    ToggleReasons,
    /// Takes the clip mark away.
    ClearClip,
    /// This table.
    Help,
    /// Closes help, and drops the filter.
    Dismiss,
}

/// Keys and what they do.
#[derive(Debug, Clone, Copy)]
pub struct KeyBinding {
    /// Any of these.
    pub keys: &'static [Key],
    /// How they are written.
    pub shown: &'static str,
    /// What they do.
    pub command: Command,
    /// In words, for help and the documents.
    pub words: &'static str,
}

const fn binding(
    keys: &'static [Key],
    shown: &'static str,
    command: Command,
    words: &'static str,
) -> KeyBinding {
    KeyBinding { keys, shown, command, words }
}

/// Every key.
pub const KEYS: [KeyBinding; 14] = [
    binding(&[Key::Char('q'), Key::Ctrl('c')], "q, Ctrl-C", Command::Quit, "quit"),
    binding(&[Key::Char('Q')], "Q", Command::QuitLeavingScreen, "quit and leave the last screen"),
    binding(&[Key::Char(' ')], "space", Command::Freeze, "freeze, or go on"),
    binding(&[Key::Left, Key::Char('h')], "left, h", Command::Back, "freeze and scroll back"),
    binding(&[Key::Right, Key::Char('l')], "right, l", Command::Forward, "scroll forward"),
    binding(&[Key::Char('/')], "/", Command::Filter, "show labels that contain a text"),
    binding(&[Key::Tab], "tab", Command::NextSource, "next source or daemon"),
    binding(&[Key::Char('+'), Key::Char('=')], "+", Command::MoreSeconds, "more seconds across"),
    binding(&[Key::Char('-')], "-", Command::FewerSeconds, "fewer seconds across"),
    binding(&[Key::Char('s')], "s", Command::ToggleMotion, "sweep or scroll"),
    binding(
        &[Key::Char('w')],
        "w",
        Command::ToggleReasons,
        "show or hide why labels are no events",
    ),
    binding(&[Key::Char('c')], "c", Command::ClearClip, "clear the clip mark"),
    binding(&[Key::Char('?')], "?", Command::Help, "show or hide this help"),
    binding(&[Key::Escape], "esc", Command::Dismiss, "close the help, drop the filter"),
];

/// What `key` asks for; nothing if it is in no table.
pub(super) fn command(key: Key) -> Option<Command> {
    KEYS.iter().find(|binding| binding.keys.contains(&key)).map(|binding| binding.command)
}
