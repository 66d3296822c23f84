//! Tables of annotations: what other programs wrote is read, and what is written comes back.

use std::path::PathBuf;

use proptest::prelude::*;
use spyhop_api::{Annotation, RecordingInfo, SegmentInfo, StartSource, Timestamp};
use spyhop_signal::Line;
use spyhop_signal::tables::{
    AudacityStyle, Imported, Layout, Sequence, TableError, read_audacity, read_csv, read_raven,
    read_table, write_audacity, write_csv, write_raven,
};

/// A real table, or `None` (said aloud) where the folder of real recordings is absent.
fn real(path: &str) -> Option<String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) => {
            eprintln!("SKIPPED: {}: {error}", file.display());
            None
        }
    }
}

fn recording(name: &str, start_s: i64, runs: &[(i64, u64)]) -> RecordingInfo {
    let start = |s: i64| Some(Timestamp((start_s + s) * 1_000_000_000));
    let mut first_frame = 0;
    let segments: Vec<SegmentInfo> = runs
        .iter()
        .map(|&(at, frames)| {
            let segment = SegmentInfo { start: start(at), first_frame, frames };
            first_frame += frames;
            segment
        })
        .collect();
    RecordingInfo {
        name: name.into(),
        fingerprint: String::new(),
        bytes: 0,
        format: "wav".into(),
        codec: "pcm_s16le".into(),
        sample_rate_hz: 1000.0,
        channels: 1,
        bits_per_sample: 16,
        frames: first_frame,
        duration_s: first_frame as f64 / 1000.0,
        start: start(0),
        start_source: StartSource::FileName,
        start_zone: String::new(),
        start_uncertainty_s: None,
        segments,
        metadata: Default::default(),
        warnings: Vec::new(),
    }
}

/// Two files of 10 s that begin 60 s apart; the second has a gap of 5 s after its first 4 s.
fn two_files() -> Sequence {
    let infos = [
        recording("a.wav", 1_000_000, &[(0, 10_000)]),
        recording("b.wav", 1_000_060, &[(0, 4000), (9, 6000)]),
    ];
    let (line, left_out) = Line::new(&infos).expect("a line");
    assert!(left_out.is_empty());
    Sequence::new(&line, &infos)
}

fn annotation(id: u64, start_ns: i64, end_ns: i64) -> Annotation {
    Annotation {
        id,
        start_ns,
        end_ns,
        low_hz: Some(50.0),
        high_hz: Some(300.5),
        channel: 0,
        label: "upcall".into(),
        note: String::new(),
        extra: Vec::new(),
    }
}

const S: i64 = 1_000_000_000;

fn raven(text: &str) -> Imported {
    read_raven(text, &Sequence::default(), 1).expect("a table")
}

#[test]
fn the_fish_table_comes_back_with_every_column() {
    let Some(text) = real("tables/67674121.181018013806.Table.1.selections.txt") else { return };
    let table = raven(&text);
    assert_eq!(table.annotations.len(), 773);
    let first = &table.annotations[0];
    assert_eq!((first.start_ns, first.end_ns), (9_753_681_034, 9_984_592_044));
    assert_eq!((first.low_hz, first.high_hz), (Some(25.0), Some(208.6)));
    assert_eq!((first.label.as_str(), first.channel, first.id), ("fish", 0, 1));
    assert!(first.extra.contains(&("Sound type".into(), "grunt".into())));
    let written = write_raven(&table.annotations, &Sequence::default(), &table.layout);
    assert_eq!(raven(&written), table);
    // Every cell of every row stands in the written row again, as text.
    let header: Vec<&str> = text.lines().next().expect("a header").split('\t').collect();
    let ours: Vec<&str> = written.lines().next().expect("a header").split('\t').collect();
    for (theirs, row) in text.lines().zip(written.lines()) {
        let (theirs, row): (Vec<&str>, Vec<&str>) =
            (theirs.split('\t').collect(), row.split('\t').collect());
        for (column, cell) in header.iter().zip(theirs) {
            let at = ours.iter().position(|c| c == column).expect("the column is kept");
            assert_eq!(row[at], cell, "{column}");
        }
    }
}

#[test]
fn paired_rows_of_waveform_and_spectrogram_are_one_selection() {
    let Some(text) = real("tables/7817.230831000000.Table.1.selections.txt") else { return };
    let table = raven(&text);
    assert_eq!(table.annotations.len(), 5);
    assert!(table.annotations.iter().all(|a| a.label == "CE" && a.low_hz.is_some()));
    assert_eq!(table.annotations[0].start_ns, 23_376_475_542);
    let written = write_raven(&table.annotations, &Sequence::default(), &table.layout);
    assert_eq!(raven(&written), table);
    assert!(written.contains("C:\\Users\\xavier.mouy"), "the path is given back as it was");
}

#[test]
fn a_table_without_rows_is_a_table() {
    let Some(text) = real("tables/EmptyExample.Table.1.selections.txt") else { return };
    let table = raven(&text);
    assert!(table.annotations.is_empty());
    assert_eq!(table.layout.label_column.as_deref(), Some("Species"));
    let written = write_raven(&[], &Sequence::default(), &table.layout);
    assert_eq!(written.trim_end(), text.trim_end());
}

#[test]
fn rows_that_are_short_and_times_with_fifteen_decimals_are_read() {
    let Some(text) = real("tables/MSD-0003_20180427_2minstart00.Table.1.selections.txt") else {
        return;
    };
    let table = raven(&text);
    assert_eq!(table.annotations.len(), 10);
    assert_eq!(table.annotations[0].start_ns, 1_897_648_166);
    assert_eq!(table.annotations[0].label, "WOTH");
    assert_eq!(table.annotations[9].label, "");
    let written = write_raven(&table.annotations, &Sequence::default(), &table.layout);
    let again = raven(&written);
    assert_eq!(again.layout, table.layout);
    for (a, b) in again.annotations.iter().zip(&table.annotations) {
        assert_eq!(
            (a.start_ns, a.end_ns, &a.label, a.low_hz),
            (b.start_ns, b.end_ns, &b.label, b.low_hz)
        );
    }
}

#[test]
fn the_mars_table_ends_with_the_times_and_is_read_all_the_same() {
    let Some(text) = real("mars/MARS-20150910T000000Z-2kHz.wav.Table01.txt") else { return };
    let table = raven(&text);
    let (first, second) = (&table.annotations[0], &table.annotations[1]);
    assert_eq!((first.start_ns, first.end_ns), (161_790_000_000, 180_990_000_000));
    assert_eq!((first.label.as_str(), second.label.as_str()), ("baf", "bat"));
    assert_eq!((first.id, second.id), (2, 3), "selection numbers are kept");
    assert!(first.extra.contains(&("Occupancy".into(), "0.6".into())));
    let written = write_raven(&table.annotations, &Sequence::default(), &table.layout);
    assert_eq!(raven(&written), table);
    let columns = table.layout.columns.join(" ");
    assert_eq!(
        columns,
        "Delta Time (s) Occupancy Classification classification Predicted Filename Score Key"
    );
}

#[test]
fn a_table_has_nine_decimals_crlf_and_our_columns_first() {
    let text = write_raven(
        &[annotation(7, 1_500_000_001, 2 * S)],
        &Sequence::default(),
        &Layout::default(),
    );
    assert_eq!(
        text,
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\r\n\
         7\tSpectrogram 1\t1\t1.500000001\t2.000000000\t50.0\t300.5\tupcall\r\n"
    );
    assert_eq!(raven(&text).annotations, [annotation(7, 1_500_000_001, 2 * S)]);
}

#[test]
fn columns_come_in_any_order_and_spelling() {
    let text = "End Time (s)\tHigh Frequency (Hz)\tfoo\tBegin Time (s)\tLow Frequency (Hz)\n2\t9\tbar\t1.5\t3\n";
    let table = raven(text);
    let a = &table.annotations[0];
    assert_eq!(
        (a.start_ns, a.end_ns, a.low_hz, a.high_hz),
        (1_500_000_000, 2 * S, Some(3.0), Some(9.0))
    );
    assert_eq!(a.extra, [("foo".to_owned(), "bar".to_owned())]);
}

#[test]
fn over_several_files_times_run_on_and_each_row_names_its_file() {
    let sequence = two_files();
    let annotations = [
        annotation(1, S, 2 * S),
        annotation(2, 61 * S, 62 * S),
        // 2 s after the second file's gap: 6 s into the file, 16 s into the sequence.
        annotation(3, 71 * S, 72 * S),
        // Over the gap.
        annotation(4, 63 * S, 70 * S),
    ];
    let text = write_raven(&annotations, &sequence, &Layout::default());
    let row = |n: usize| text.lines().nth(n).expect("a row").split('\t').collect::<Vec<_>>();
    assert_eq!(row(0)[8..], ["File Offset (s)", "Begin File", "Begin Path"]);
    assert_eq!(row(1)[3..5], ["1.000000000", "2.000000000"]);
    assert_eq!(row(2)[3..5], ["11.000000000", "12.000000000"]);
    assert_eq!(row(2)[8..], ["1.000000000", "b.wav", "b.wav"]);
    assert_eq!(row(3)[3..5], ["16.000000000", "17.000000000"]);
    assert_eq!(row(3)[8..], ["6.000000000", "b.wav", "b.wav"]);
    assert_eq!(row(4)[3..5], ["13.000000000", "15.000000000"]);
    let table = read_raven(&text, &sequence, 1).expect("a table");
    for (a, b) in table.annotations.iter().zip(&annotations) {
        assert_eq!((a.id, a.start_ns, a.end_ns), (b.id, b.start_ns, b.end_ns));
    }
    assert!(table.warnings.is_empty());
}

#[test]
fn a_windows_path_is_matched_by_the_file_it_ends_in() {
    // Raven had only b.wav open, so that its time is the file's; the offset has three decimals.
    let text = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tFile Offset (s)\tBegin Path\n\
                1\tSpectrogram 1\t1\t1.234567891\t2.234567891\t1.235\tC:\\rec\\B.WAV\n\
                2\tSpectrogram 1\t1\t7\t8\t7.000\tD:\\c.wav\n";
    let table = read_raven(text, &two_files(), 1).expect("a table");
    assert_eq!(table.annotations.len(), 1);
    assert_eq!(table.annotations[0].start_ns, 61_234_567_891);
    assert_eq!(table.annotations[0].end_ns, 62_234_567_891);
    assert!(
        table.warnings[0].contains("1 row") && table.warnings[0].contains("c.wav"),
        "{:?}",
        table.warnings
    );
}

#[test]
fn a_box_that_was_moved_no_longer_carries_its_old_measures_of_time() {
    let text = "Selection\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tDelta Time (s)\tDelta Freq (Hz)\n\
                1\t1.0\t1.5\t10\t30\t0.50\t20.0\n";
    let mut table = raven(text);
    let unmoved = write_raven(&table.annotations, &Sequence::default(), &table.layout);
    assert!(unmoved.contains("\t0.50\t20.0"), "{unmoved}");
    table.annotations[0].end_ns = 3 * S;
    table.annotations[0].high_hz = Some(35.0);
    let moved = write_raven(&table.annotations, &Sequence::default(), &table.layout);
    assert!(moved.contains("\t2.0000\t25.0"), "{moved}");
}

#[test]
fn labels_without_a_band_are_selections_in_the_waveform() {
    let infos = [recording("a.wav", 0, &[(0, 10_000)])];
    let (line, _) = Line::new(&infos).expect("a line");
    let sequence = Sequence::new(&line, &infos);
    let label = Annotation { low_hz: None, high_hz: None, ..annotation(1, S, S) };
    let text = write_raven(std::slice::from_ref(&label), &sequence, &Layout::default());
    assert!(text.contains("Waveform 1\t1\t1.000000000\t1.000000000\t0.0\t500.0"), "{text}");
    assert_eq!(read_raven(&text, &sequence, 1).expect("a table").annotations, [label]);
}

#[test]
fn audacity_labels_go_out_in_both_styles_and_come_back() {
    let annotations = [
        annotation(1, 1_500_000_000, 2 * S),
        Annotation {
            low_hz: None,
            high_hz: None,
            label: "a\tpoint".into(),
            ..annotation(2, 3 * S, 3 * S)
        },
    ];
    let extended = write_audacity(&annotations, &Sequence::default(), AudacityStyle::Extended);
    assert_eq!(
        extended,
        "1.500000\t2.000000\tupcall\n\\\t50.000000\t300.500000\n3.000000\t3.000000\ta point\n"
    );
    let table = read_audacity(&extended, &Sequence::default(), 1).expect("labels");
    assert_eq!(table.annotations[0], annotations[0]);
    assert_eq!(table.annotations[1].label, "a point");
    assert_eq!(table.annotations[1].low_hz, None);
    let standard = write_audacity(&annotations, &Sequence::default(), AudacityStyle::Standard);
    assert_eq!(standard, "1.500000\t2.000000\tupcall\n3.000000\t3.000000\ta point\n");
    let undefined =
        read_audacity("1\t2\tx\n\\\t-1.0\t500\n", &Sequence::default(), 9).expect("labels");
    assert_eq!(
        (undefined.annotations[0].low_hz, undefined.annotations[0].high_hz),
        (None, Some(500.0))
    );
    assert_eq!(undefined.annotations[0].id, 9);
}

#[test]
fn the_csv_has_clock_times_and_comes_back_with_quotes_and_scores() {
    let sequence = two_files();
    let mut odd = annotation(1, 61 * S + 1, 62 * S);
    odd.label = "it's \"odd\", \nreally".into();
    odd.note = " kept ".into();
    odd.extra = vec![("score".into(), "0.93".into()), ("caller".into(), "7".into())];
    let annotations = [odd, annotation(2, 71 * S, 72 * S)];
    let text = write_csv(&annotations, &sequence);
    let header = "start,end,file,offset_s,duration_s,low_hz,high_hz,label,score,model,channel,note,caller\r\n";
    assert!(text.starts_with(header), "{text}");
    assert!(
        text.contains(
            "1970-01-12T13:47:41.000000001Z,1970-01-12T13:47:42.000000000Z,b.wav,1.000000001,"
        ),
        "{text}"
    );
    let table = read_csv(&text, &sequence, 1).expect("a table");
    assert_eq!(table.annotations[0], annotations[0]);
    assert_eq!(table.annotations[1].start_ns, 71 * S);
    let elsewhere = read_csv(&text, &Sequence::default(), 1).expect("a table");
    assert_eq!(elsewhere.annotations[0].start_ns, S + 1, "without files, offsets are all there is");
}

#[test]
fn any_known_table_is_told_by_its_first_line() {
    let sequence = Sequence::default();
    let one = [annotation(1, S, 2 * S)];
    for text in [
        write_raven(&one, &sequence, &Layout::default()),
        write_audacity(&one, &sequence, AudacityStyle::Extended),
        write_csv(&one, &sequence),
        format!("\u{feff}{}", write_csv(&one, &sequence)),
    ] {
        let table = read_table(&text, &sequence, 1).expect("a table");
        assert_eq!(table.annotations, one, "{text}");
    }
    assert_eq!(read_table(" \n", &sequence, 1), Err(TableError::Empty));
    let error = read_table("Dear all,\nplease", &sequence, 1).expect_err("a letter");
    assert!(error.to_string().contains("Dear all"), "{error}");
    let error =
        read_raven("Begin Time (s)\tEnd Time (s)\n1\tsoon\n", &sequence, 1).expect_err("no time");
    assert_eq!(error.to_string(), "line 2: 'soon' is no time in seconds");
    let error = read_raven("Begin Time (s)\n1\n", &sequence, 1).expect_err("no end");
    assert!(error.to_string().contains("'End Time (s)'"), "{error}");
}

/// Pieces that tables are made of, in any order, and any characters between.
fn pieces() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "Selection",
        "View",
        "Channel",
        "Begin Time (s)",
        "End Time (s)",
        "Low Freq (Hz)",
        "File Offset (s)",
        "Begin File",
        "Begin Path",
        "Spectrogram 1",
        "Waveform 1",
        "start,end,file,offset_s,duration_s,low_hz,high_hz,label,score,model,channel,note",
        "a.wav",
        "b.wav",
        "\t",
        "\t",
        "\t",
        "\n",
        "\r\n",
        ",",
        "\"",
        "\\",
        "1",
        "-1",
        "2.5",
        "1e300",
        "-9e9",
        "nan",
        "inf",
        "9223372036.9",
        "18446744073709551615",
        "1970-01-12T13:47:41Z",
        "2262-04-11T23:47:16Z",
        "\u{feff}",
    ])
    .prop_map(str::to_owned);
    let any = "\\PC{0,6}";
    prop::collection::vec(prop_oneof![6 => known, 1 => any], 0..60).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_reader_panic(text in pieces(), id in prop_oneof![0u64..5, Just(u64::MAX)]) {
        for sequence in [Sequence::default(), two_files()] {
            let tables = [
                read_table(&text, &sequence, id),
                read_raven(&text, &sequence, id),
                read_raven(&format!("Begin Time (s)\tEnd Time (s)\tBegin File\tFile Offset (s)\tView\n{text}"), &sequence, id),
                read_audacity(&text, &sequence, id),
                read_csv(&text, &sequence, id),
            ];
            for table in tables.into_iter().flatten() {
                // Whatever was read can be written again.
                write_raven(&table.annotations, &sequence, &table.layout);
                write_audacity(&table.annotations, &sequence, AudacityStyle::Extended);
                write_csv(&table.annotations, &sequence);
                prop_assert!(table.annotations.iter().all(|a| a.end_ns >= a.start_ns));
            }
        }
    }

    #[test]
    fn what_is_written_comes_back(
        starts in prop::collection::vec((0i64..79 * S, 0i64..20 * S, "[a-zA-Z ,;'\"äß]{0,12}", 0u32..3), 1..20)
    ) {
        let sequence = two_files();
        let annotations: Vec<Annotation> = (1..)
            .zip(&starts)
            .map(|(id, (start, length, label, channel))| Annotation {
                label: label.trim().into(),
                channel: *channel,
                ..annotation(id, *start, start + length)
            })
            .collect();
        let text = write_raven(&annotations, &sequence, &Layout::default());
        let table = read_raven(&text, &sequence, 1).expect("our own table");
        // Edges in a gap are moved to the recording's edge; written again, nothing moves any more.
        let again = write_raven(&table.annotations, &sequence, &table.layout);
        prop_assert_eq!(&again, &text);
        for (a, b) in table.annotations.iter().zip(&annotations) {
            prop_assert_eq!((&a.label, a.channel, a.low_hz), (&b.label, b.channel, b.low_hz));
        }
        let csv = write_csv(&table.annotations, &sequence);
        let read = read_csv(&csv, &sequence, 1).expect("our own table");
        for (a, b) in read.annotations.iter().zip(&table.annotations) {
            prop_assert_eq!((a.start_ns, a.end_ns, &a.label), (b.start_ns, b.end_ns, &b.label));
        }
    }
}
