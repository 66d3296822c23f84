//! Everything a person can do, in one table: it feeds the keys, the palette and the help sheet.

use spyhop_words::page::{commands as words, keys};

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
    /// Keys by their own names, as [`shown_key`] tells them; the first is what the palette shows.
    pub keys: &'static [&'static str],
    pub group: Group,
}

/// What commands stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Sound,
    Time,
    Frequency,
    View,
    Picture,
    Selection,
    Labels,
    Calls,
    Page,
}

impl Group {
    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Group::Sound => words::SOUND,
            Group::Time => words::TIME,
            Group::Frequency => words::FREQUENCY,
            Group::View => words::VIEW,
            Group::Picture => words::PICTURE,
            Group::Selection => words::SELECTION,
            Group::Labels => words::LABELS,
            Group::Calls => words::CALLS,
            Group::Page => words::PAGE,
        }
    }
}

const fn row(
    action: Action,
    group: Group,
    title: &'static str,
    keys: &'static [&'static str],
) -> Command {
    Command { action, title, keys, group }
}

/// The table.
pub const COMMANDS: &[Command] = &[
    row(Action::Play, Group::Sound, words::PLAY, &["Space"]),
    row(Action::PlaySelection, Group::Sound, words::PLAY_SELECTION, &["Shift+Space"]),
    row(Action::Loop, Group::Sound, words::LOOP, &["L"]),
    row(Action::ZoomIn, Group::Time, words::ZOOM_IN, &["W", "+", "=", "ArrowUp"]),
    row(Action::ZoomOut, Group::Time, words::ZOOM_OUT, &["S", "-", "ArrowDown"]),
    row(Action::Left, Group::Time, words::EARLIER, &["A", "ArrowLeft"]),
    row(Action::Right, Group::Time, words::LATER, &["D", "ArrowRight"]),
    row(Action::PageLeft, Group::Time, words::PAGE_EARLIER, &["Shift+ArrowLeft", "PageUp"]),
    row(Action::PageRight, Group::Time, words::PAGE_LATER, &["Shift+ArrowRight", "PageDown"]),
    row(Action::Jump, Group::Time, words::GO_TO_TIME, &["J", "Ctrl+G"]),
    row(Action::NextRecording, Group::Time, words::NEXT_RECORDING, &["N"]),
    row(Action::PreviousRecording, Group::Time, words::PREVIOUS_RECORDING, &["Shift+N"]),
    row(Action::CollapseGaps, Group::Time, words::FOLD_GAPS, &["G"]),
    row(Action::ZoomBandIn, Group::Frequency, words::ZOOM_BAND_IN, &["Shift+ArrowUp"]),
    row(Action::ZoomBandOut, Group::Frequency, words::ZOOM_BAND_OUT, &["Shift+ArrowDown"]),
    row(Action::BandUp, Group::Frequency, words::HIGHER, &["Alt+ArrowUp"]),
    row(Action::BandDown, Group::Frequency, words::LOWER, &["Alt+ArrowDown"]),
    row(Action::Fit, Group::View, words::FIT_ALL, &["F", "Home"]),
    row(Action::FitSelection, Group::View, words::FIT_SELECTION, &["F F"]),
    row(Action::Back, Group::View, words::PREVIOUS_VIEW, &["B"]),
    row(Action::Forward, Group::View, words::NEXT_VIEW, &["Shift+B"]),
    row(Action::FftDown, Group::Picture, words::SHORTER_FFT, &["["]),
    row(Action::FftUp, Group::Picture, words::LONGER_FFT, &["]"]),
    row(Action::NextColours, Group::Picture, words::NEXT_COLOURS, &["C"]),
    row(Action::AutoContrast, Group::Picture, words::SET_CONTRAST, &["X"]),
    row(Action::NextStatistic, Group::Picture, words::NEXT_STATISTIC, &["P"]),
    row(Action::Flatten, Group::Picture, words::FLATTEN, &["Shift+F"]),
    row(Action::NextAxis, Group::Picture, words::NEXT_AXIS, &["Y"]),
    row(Action::NextClock, Group::Picture, words::NEXT_CLOCK, &["T"]),
    row(Action::NextChannel, Group::Picture, words::NEXT_CHANNEL, &["Shift+C"]),
    row(Action::BoxTool, Group::Selection, words::DRAW_BOX, &["R"]),
    row(Action::CursorA, Group::Selection, words::CURSOR_A, &["M"]),
    row(Action::CursorB, Group::Selection, words::CURSOR_B, &["Shift+M"]),
    row(Action::Clear, Group::Selection, words::CLEAR, &["Escape"]),
    row(Action::Label(1), Group::Labels, words::LABEL_1, &["1"]),
    row(Action::Label(2), Group::Labels, words::LABEL_2, &["2"]),
    row(Action::Label(3), Group::Labels, words::LABEL_3, &["3"]),
    row(Action::Label(4), Group::Labels, words::LABEL_4, &["4"]),
    row(Action::Label(5), Group::Labels, words::LABEL_5, &["5"]),
    row(Action::Label(6), Group::Labels, words::LABEL_6, &["6"]),
    row(Action::Label(7), Group::Labels, words::LABEL_7, &["7"]),
    row(Action::Label(8), Group::Labels, words::LABEL_8, &["8"]),
    row(Action::Label(9), Group::Labels, words::LABEL_9, &["9"]),
    row(Action::DeleteLabel, Group::Labels, words::REMOVE_LABEL, &["Delete", "Backspace"]),
    row(Action::Detect, Group::Calls, words::DETECT, &["Shift+D"]),
    row(Action::NextCall, Group::Calls, words::NEXT_CANDIDATE, &["."]),
    row(Action::PreviousCall, Group::Calls, words::PREVIOUS_CANDIDATE, &[","]),
    row(Action::AcceptCall, Group::Calls, words::ACCEPT, &["E"]),
    row(Action::RejectCall, Group::Calls, words::REJECT, &["Q"]),
    row(Action::TakeBackCall, Group::Calls, words::TAKE_BACK, &["U"]),
    row(Action::Undo, Group::Labels, words::UNDO, &["Ctrl+Z"]),
    row(Action::Redo, Group::Labels, words::REDO, &["Ctrl+Shift+Z", "Ctrl+Y"]),
    row(Action::Palette, Group::Page, words::FIND_COMMAND, &["Ctrl+K"]),
    row(Action::Help, Group::Page, words::HELP, &["?"]),
    row(Action::CopyLink, Group::Page, words::COPY_LINK, &["Ctrl+Shift+L"]),
    row(Action::Share, Group::Page, words::SHARE, &["Shift+S"]),
    row(Action::AddToStory, Group::Page, words::ADD_TO_STORY, &["Shift+A"]),
    row(Action::LeadClass, Group::Page, words::LEAD_CLASS, &[]),
    row(Action::TogglePanel, Group::Page, words::PANEL, &["\\"]),
    row(Action::ToggleTheme, Group::Page, words::LIGHT_OR_DARK, &[]),
    row(Action::ToggleLetterKeys, Group::Page, words::LETTER_KEYS, &[]),
    row(Action::OpenFiles, Group::Page, words::OPEN_FILES, &["Ctrl+O"]),
    row(Action::OpenFolder, Group::Page, words::OPEN_FOLDER, &[]),
    row(Action::Home, Group::Page, words::FIRST_PAGE, &[]),
    row(Action::Library, Group::Page, words::LIBRARY, &[]),
    row(Action::Models, Group::Page, words::MODELS, &[]),
    row(Action::Runs, Group::Page, words::RUNS, &[]),
    row(Action::Jobs, Group::Page, words::JOBS, &[]),
    row(Action::Token, Group::Page, words::TOKEN, &[]),
];

/// The command of a key such as `Ctrl+Shift+Z`, `W` or `ArrowUp`.
pub fn by_key(key: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|c| c.keys.contains(&key))
}

/// A key's name as it stands on a keyboard: `Ctrl+K`, `Shift+←`.
pub fn shown_key(key: &str) -> String {
    if key == "+" {
        return key.to_owned();
    }
    let shown = |part| match part {
        "Alt" => keys::ALT,
        "ArrowDown" => keys::DOWN,
        "ArrowLeft" => keys::LEFT,
        "ArrowRight" => keys::RIGHT,
        "ArrowUp" => keys::UP,
        "Backspace" => keys::BACKSPACE,
        "Ctrl" => keys::CTRL,
        "Delete" => keys::DELETE,
        "Escape" => keys::ESCAPE,
        "Home" => keys::HOME,
        "PageDown" => keys::PAGE_DOWN,
        "PageUp" => keys::PAGE_UP,
        "Shift" => keys::SHIFT,
        "Space" => keys::SPACE,
        other => other,
    };
    key.split('+').map(shown).collect::<Vec<_>>().join("+")
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
    fn keys_are_told_as_they_stand_on_a_keyboard() {
        let keys = ["+", "W", "Shift+ArrowLeft", "PageUp", "Ctrl+Shift+Z", "Delete", "F F"];
        let shown = ["+", "W", "Shift+←", "PageUp", "Ctrl+Shift+Z", "Del", "F F"];
        assert_eq!(keys.map(shown_key), shown);
    }

    #[test]
    fn no_action_stands_twice_in_the_table() {
        for (i, a) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[i + 1..].iter().all(|b| b.action != a.action), "{:?}", a.action);
        }
    }
}
