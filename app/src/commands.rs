//! Everything a person can do, in one table: it feeds the keys, the palette and the help sheet.

/// One thing that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Play,
    PlaySelection,
    Loop,
    ZoomIn,
    ZoomOut,
    ZoomBandIn,
    ZoomBandOut,
    Left,
    Right,
    PageLeft,
    PageRight,
    BandUp,
    BandDown,
    Fit,
    FitSelection,
    Back,
    Forward,
    Jump,
    NextRecording,
    PreviousRecording,
    CollapseGaps,
    FftDown,
    FftUp,
    NextColours,
    AutoContrast,
    NextStatistic,
    Flatten,
    NextAxis,
    NextClock,
    NextChannel,
    BoxTool,
    CursorA,
    CursorB,
    Clear,
    Label(u8),
    DeleteLabel,
    Detect,
    NextCall,
    PreviousCall,
    AcceptCall,
    RejectCall,
    TakeBackCall,
    Undo,
    Redo,
    Palette,
    Help,
    CopyLink,
    Share,
    AddToStory,
    LeadClass,
    TogglePanel,
    ToggleTheme,
    ToggleLetterKeys,
    OpenFiles,
    OpenFolder,
    Home,
    Jobs,
    Models,
    Runs,
    Library,
    Token,
}

/// A row of the table.
pub struct Command {
    pub action: Action,
    /// What it does, as a person reads it.
    pub title: &'static str,
    /// Keys, as a person reads them; the first is what the help sheet and palette show.
    pub keys: &'static [&'static str],
    pub group: &'static str,
}

const fn row(
    action: Action,
    group: &'static str,
    title: &'static str,
    keys: &'static [&'static str],
) -> Command {
    Command { action, title, keys, group }
}

/// The table.
pub const COMMANDS: &[Command] = &[
    row(Action::Play, "Sound", "Play or pause", &["Space"]),
    row(Action::PlaySelection, "Sound", "Play the selection", &["Shift+Space"]),
    row(Action::Loop, "Sound", "Loop", &["L"]),
    row(Action::ZoomIn, "Time", "Zoom in", &["W", "+", "=", "ArrowUp"]),
    row(Action::ZoomOut, "Time", "Zoom out", &["S", "-", "ArrowDown"]),
    row(Action::Left, "Time", "Earlier", &["A", "ArrowLeft"]),
    row(Action::Right, "Time", "Later", &["D", "ArrowRight"]),
    row(Action::PageLeft, "Time", "A page earlier", &["Shift+ArrowLeft", "PageUp"]),
    row(Action::PageRight, "Time", "A page later", &["Shift+ArrowRight", "PageDown"]),
    row(Action::Jump, "Time", "Go to a date and time", &["J", "Ctrl+G"]),
    row(Action::NextRecording, "Time", "Next recording", &["N"]),
    row(Action::PreviousRecording, "Time", "Previous recording", &["Shift+N"]),
    row(Action::CollapseGaps, "Time", "Fold gaps away, or show them", &["G"]),
    row(Action::ZoomBandIn, "Frequency", "Zoom frequency in", &["Shift+ArrowUp"]),
    row(Action::ZoomBandOut, "Frequency", "Zoom frequency out", &["Shift+ArrowDown"]),
    row(Action::BandUp, "Frequency", "Higher", &["Alt+ArrowUp"]),
    row(Action::BandDown, "Frequency", "Lower", &["Alt+ArrowDown"]),
    row(Action::Fit, "View", "Fit all", &["F", "Home"]),
    row(Action::FitSelection, "View", "Fit the selection", &["F F"]),
    row(Action::Back, "View", "Previous view", &["B"]),
    row(Action::Forward, "View", "Next view", &["Shift+B"]),
    row(Action::FftDown, "Picture", "Shorter FFT (finer in time)", &["["]),
    row(Action::FftUp, "Picture", "Longer FFT (finer in frequency)", &["]"]),
    row(Action::NextColours, "Picture", "Next colour map", &["C"]),
    row(Action::AutoContrast, "Picture", "Set contrast from what is shown", &["X"]),
    row(Action::NextStatistic, "Picture", "Next of mean, mean with brief peaks, maximum", &["P"]),
    row(Action::Flatten, "Picture", "Flatten: take each band's median away", &["Shift+F"]),
    row(Action::NextAxis, "Picture", "Next frequency axis: linear, log, mel", &["Y"]),
    row(Action::NextClock, "Picture", "Next clock: UTC, recorder, local, elapsed", &["T"]),
    row(Action::NextChannel, "Picture", "Next channel", &["Shift+C"]),
    row(Action::BoxTool, "Selection", "Draw a box with the next drag", &["R"]),
    row(Action::CursorA, "Selection", "Cursor A at the pointer", &["M"]),
    row(Action::CursorB, "Selection", "Cursor B at the pointer", &["Shift+M"]),
    row(Action::Clear, "Selection", "Clear the selection and the cursors", &["Escape"]),
    row(Action::Label(1), "Labels", "Label the selection with the 1st name", &["1"]),
    row(Action::Label(2), "Labels", "Label the selection with the 2nd name", &["2"]),
    row(Action::Label(3), "Labels", "Label the selection with the 3rd name", &["3"]),
    row(Action::Label(4), "Labels", "Label the selection with the 4th name", &["4"]),
    row(Action::Label(5), "Labels", "Label the selection with the 5th name", &["5"]),
    row(Action::Label(6), "Labels", "Label the selection with the 6th name", &["6"]),
    row(Action::Label(7), "Labels", "Label the selection with the 7th name", &["7"]),
    row(Action::Label(8), "Labels", "Label the selection with the 8th name", &["8"]),
    row(Action::Label(9), "Labels", "Label the selection with the 9th name", &["9"]),
    row(Action::DeleteLabel, "Labels", "Remove the chosen label", &["Delete", "Backspace"]),
    row(Action::Detect, "Calls", "Detect calls", &["Shift+D"]),
    row(Action::NextCall, "Calls", "Next candidate", &["."]),
    row(Action::PreviousCall, "Calls", "Previous candidate", &[","]),
    row(Action::AcceptCall, "Calls", "Accept the candidate", &["E"]),
    row(Action::RejectCall, "Calls", "Reject the candidate", &["Q"]),
    row(Action::TakeBackCall, "Calls", "Take back what was said of the candidate", &["U"]),
    row(Action::Undo, "Labels", "Undo", &["Ctrl+Z"]),
    row(Action::Redo, "Labels", "Redo", &["Ctrl+Shift+Z", "Ctrl+Y"]),
    row(Action::Palette, "Page", "Find a command", &["Ctrl+K"]),
    row(Action::Help, "Page", "Keys and gestures", &["?"]),
    row(Action::CopyLink, "Page", "Copy the link of this view", &["Ctrl+Shift+L"]),
    row(Action::Share, "Page", "Share this view: links, figures, clips", &["Shift+S"]),
    row(Action::AddToStory, "Page", "Add this view to a story", &["Shift+A"]),
    row(Action::LeadClass, "Page", "Lead a class that follows this view", &[]),
    row(Action::TogglePanel, "Page", "Show or hide the panel", &["\\"]),
    row(Action::ToggleTheme, "Page", "Light or dark", &[]),
    row(Action::ToggleLetterKeys, "Page", "Single-letter keys on or off", &[]),
    row(Action::OpenFiles, "Page", "Open files", &["Ctrl+O"]),
    row(Action::OpenFolder, "Page", "Open a folder", &[]),
    row(Action::Home, "Page", "Back to the first page", &[]),
    row(Action::Library, "Page", "Library: the server's deployments", &[]),
    row(Action::Models, "Page", "Models: what the server detects with", &[]),
    row(Action::Runs, "Page", "Runs: what was trained, compared", &[]),
    row(Action::Jobs, "Page", "Jobs: the server's long work", &[]),
    row(Action::Token, "Page", "Enter or forget the administrator's token", &[]),
];

/// The command of a key such as `Ctrl+Shift+Z`, `W` or `ArrowUp`.
pub fn by_key(key: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|c| c.keys.contains(&key))
}

/// A key's name as it stands on a keyboard.
pub fn shown_key(key: &str) -> String {
    key.replace("Arrow", "")
        .replace("Left", "←")
        .replace("Right", "→")
        .replace("Up", "↑")
        .replace("Down", "↓")
        .replace("Page↑", "PageUp")
        .replace("Page↓", "PageDown")
        .replace("Escape", "Esc")
        .replace("Delete", "Del")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut keys: Vec<_> = COMMANDS.iter().flat_map(|c| c.keys).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn no_action_stands_twice_in_the_table() {
        for (i, a) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[i + 1..].iter().all(|b| b.action != a.action), "{:?}", a.action);
        }
    }
}
