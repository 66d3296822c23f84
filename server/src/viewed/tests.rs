use std::io::Read;

use proptest::prelude::*;
use spyhop_signal::formats::wav_writer::wav_pcm16;

use super::*;

const RATE_HZ: u32 = 8000;

/// Four seconds with a tone of 1 kHz in the second second, in two files.
fn viewed(query: &str) -> Viewed {
    viewed_from(query, 2)
}

/// The same with the second file so many seconds after the first began.
fn viewed_from(query: &str, second_s: usize) -> Viewed {
    let tone = |t: f64| (std::f64::consts::TAU * 1000.0 * t).sin();
    let open = move |index: usize| {
        let samples: Vec<i16> = (0..2 * RATE_HZ)
            .map(|n| f64::from(n) / f64::from(RATE_HZ))
            .map(|t| if index == 0 && t >= 1.0 { 3000.0 * tone(t) } else { 10.0 * (t * 9e3).sin() })
            .map(|x| x as i16)
            .collect();
        let name = format!("bay_20240601_1200{:02}.wav", second_s * index);
        formats::open(&name, Box::new(wav_pcm16(&samples, 1, RATE_HZ)), &OpenOptions::default())
    };
    let infos: Vec<RecordingInfo> = (0..2).map(|i| open(i).expect("a WAV").info).collect();
    let recordings = Recordings {
        infos: Arc::new(infos),
        open: Arc::new(open),
        tables: None,
        beside: None,
        version: "1".into(),
    };
    let deployment =
        Deployment { id: "bay".into(), name: "The bay".into(), ..Deployment::default() };
    let (view, errors) = View::from_query(query);
    assert_eq!(errors, vec![]);
    Viewed::of_deployment(view, deployment, recordings).expect("recordings")
}

#[test]
fn a_view_names_the_recordings_that_lie_under_it_and_no_others() {
    let names = |query: &str| -> Vec<String> {
        viewed(query).infos().map(|info| info.name.clone()).collect()
    };
    assert_eq!(names("v=1&src=set:bay&t=0s&span=1"), ["bay_20240601_120000.wav"]);
    assert_eq!(names("v=1&src=set:bay").len(), 2);
    assert_eq!(
        names("v=1&src=set:bay/bay_20240601_120002.wav"),
        ["bay_20240601_120002.wav"],
        "one recording of several"
    );
    let print = |query: &str| viewed(query).fingerprint();
    assert_eq!(print("v=1&src=set:bay&t=0s&span=1"), print("v=1&src=set:bay&t=0.5s&span=1"));
    assert_ne!(print("v=1&src=set:bay&t=0s&span=1"), print("v=1&src=set:bay"));
}

#[test]
fn a_view_beyond_what_was_recorded_comes_to_lie_inside() {
    for (query, samples) in [
        ("t=2024-06-01T12:00:01Z&span=1", 8000..16_000),
        ("t=-5s&span=1", 0..8000),
        ("t=900s&span=2", 16_000..32_000),
        ("span=9000", 0..32_000),
        ("t=2024-06-01T12:00:01Z&span=0.000000001", 8000..8001),
    ] {
        assert_eq!(viewed(&format!("v=1&src=set:bay&{query}")).samples(), samples, "{query}");
    }
    let (samples, band) = viewed("v=1&src=set:bay&sel=1.5s_90_100-9000").selected();
    assert_eq!((samples, band), (12_000..32_000, (100.0, 4000.0)));
    assert_eq!(viewed("v=1&src=set:bay&ch=7").view.channel, 0);
    assert_eq!(viewed("v=1&src=set:bay&f=9000-20000").band_hz(), (0.0, 4000.0));
}

/// The pixels of a view's preview, red, green, blue and opacity of each.
fn previewed(viewed: &Viewed) -> Vec<u8> {
    let png = preview(viewed, "Fin whales <&>").expect("a picture");
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("a header");
    let mut rgba = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut rgba).expect("pixels");
    assert_eq!((info.width, info.height), (1200, 630));
    rgba
}

#[test]
fn the_picture_of_a_link_has_the_tone_where_it_was_heard() {
    let rgba = previewed(&viewed("v=1&src=set:bay&db=-110..-40&cm=grey"));
    // The plot reaches from row 70 to row 556: 1 kHz of 4 stands at three quarters of that.
    let light = |x: usize, y: usize| u32::from(rgba[4 * (y * 1200 + x)]);
    let brightest = (100..520).max_by_key(|y| (380..500).map(|x| light(x, *y)).sum::<u32>());
    let y = brightest.expect("rows");
    assert!((431..=438).contains(&y), "row {y}");
    let (during, after) = (light(440, y), light(800, y));
    assert!(during > after + 60, "{during} and {after}");
}

#[test]
fn the_picture_of_a_link_has_its_gaps_folded_away_where_the_page_has() {
    // Four seconds of twelve were recorded, one of them with a tone.
    let tone_px = |query: &str| {
        let rgba =
            previewed(&viewed_from(&format!("v=1&src=set:bay&db=-110..-40&cm=grey{query}"), 10));
        (90..1080).filter(|x| rgba[4 * (434 * 1200 + x)] > 150).count() as f64
    };
    let (open, folded) = (tone_px(""), tone_px("&gaps=collapsed"));
    assert!((folded / open - 3.0).abs() < 0.1, "{folded} and {open} columns");
    let far = viewed_from("v=1&src=set:bay&gaps=collapsed&t=2024-06-01T12:00:01Z&span=2", 10);
    assert_eq!((far.places.clone(), far.positions.clone()), (8000.0..24_000.0, 8000.0..88_000.0));
    // A part of it that was computed in pieces is what it is in one.
    let whole = viewed("v=1&src=set:bay&t=0.3s&span=3.1");
    let power = ViewPower::of(&whole, (500.0, 200.0), MOST_PREVIEW_FRAMES).expect("a picture");
    let first = power.pieces.first().expect("a piece").spec;
    let columns = power.pieces.iter().map(|piece| piece.spec.columns).sum();
    let mut stft = spyhop_signal::spectrum::Stft::new(&first.spectrum).expect("a transform");
    let mut reader = whole.reader();
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, 0, out).map(drop).map_err(|e| e.to_string())
    };
    let spec = spyhop_signal::spectrum::ColumnsSpec { columns, ..first };
    let (line, never) = (&whole.line, &mut || false);
    let one = spyhop_signal::spectrum::columns(&spec, &mut stft, line, &mut read, never);
    let one = one.expect("samples").expect("finished");
    assert!(power.pieces.len() > 1);
    let parts: Vec<f32> =
        power.pieces.iter().flat_map(|piece| piece.power.mean.iter().copied()).collect();
    let apart = one.mean.iter().zip(&parts).map(|(a, b)| (a - b).abs() / a.max(1e-12));
    // Which two frames share a transform may differ.
    assert_eq!(one.mean.len(), parts.len());
    assert!(apart.fold(0.0, f32::max) < 1e-3);
}

#[test]
fn labels_and_candidates_lie_over_the_picture_as_on_the_page() {
    use spyhop_api::annotation::{AnnotationContent, SharedAnnotation};
    let content = AnnotationContent {
        start: Moment::Clock(Timestamp::from_iso("2024-06-01T12:00:01Z").expect("a time")),
        span_ns: NANOS_PER_S,
        low_hz: Some(500.0),
        high_hz: Some(1500.0),
        channel: 0,
        label: "tone".into(),
        note: String::new(),
        extra: Vec::new(),
    };
    let (created, changed) = (Timestamp(0), Timestamp(0));
    let label =
        SharedAnnotation { id: 1, version: 1, content, author: String::new(), created, changed };
    let plain = viewed("v=1&src=set:bay&cm=grey");
    assert_eq!(plain.marks_fingerprint(), "");
    let marked = viewed("v=1&src=set:bay&cm=grey")
        .with_marks(Marks { labels: vec![label], ..Marks::default() });
    let [found] = marked.boxes.as_slice() else { panic!("{:?}", marked.boxes) };
    assert_eq!((found.positions.clone(), found.band_hz), (8000.0..16_000.0, (500.0, 1500.0)));
    assert_ne!(marked.marks_fingerprint(), "");
    let colour = spyhop_paint::Theme::dark().annotation.rgba();
    let count = |rgba: &[u8]| {
        let near = |pixel: &&[u8]| pixel.iter().zip(&colour).all(|(a, b)| a.abs_diff(*b) < 12);
        rgba.chunks(4).filter(near).count()
    };
    let (with, without) = (count(&previewed(&marked)), count(&previewed(&plain)));
    // A box of about 240 by 120 pixels, and a word above it.
    assert!(with > without + 500, "{with} and {without} pixels");
    let svg = figure(&marked, FigureForm::Svg, spyhop_paint::Theme::light()).expect("a figure");
    assert!(String::from_utf8_lossy(&svg).contains(">tone</text>"));
}

#[test]
fn a_figure_for_print_says_whom_to_thank() {
    let mut viewed = viewed("v=1&src=set:bay&t=0.5s&span=2&sel=1s_0.5_500-1500");
    viewed.deployment.credit = "A. Listener & Co".into();
    viewed.deployment.licence = "CC-BY-4.0".into();
    let svg = figure(&viewed, FigureForm::Svg, spyhop_paint::Theme::light()).expect("a figure");
    let svg = String::from_utf8(svg).expect("text");
    assert!(svg.contains("A. Listener &amp; Co · CC-BY-4.0"), "no credit");
    assert!(svg.contains("Frequency (") && svg.contains("Time ("));
}

#[test]
fn what_is_heard_of_a_selection_lasts_as_long_as_its_speed_says() {
    let slow = viewed("v=1&src=set:bay&sel=1s_1_500-1500&rate=0.5");
    let mut bytes = Vec::new();
    heard(&slow).expect("a clip").file.read_to_end(&mut bytes).expect("read");
    let clip = formats::open("clip.wav", Box::new(bytes), &OpenOptions::default()).expect("a WAV");
    assert_eq!((clip.info.sample_rate_hz, clip.info.frames), (48_000.0, 96_000));
    let long = viewed("v=1&src=set:bay&rate=0.01");
    assert!(heard(&long).is_ok(), "400 s");
}

#[test]
fn a_citation_carries_what_somebody_needs_to_see_the_same() {
    let viewed = viewed("v=1&src=set:bay&sel=1.25s_0.5_500-1500");
    let at = Citation {
        link: "https://whales.example/s/abc",
        base: "https://whales.example/",
        samples: None,
    };
    let cited = cite(&viewed, &at).expect("cited");
    for part in [
        "The bay",
        "2024-06-01T12:00:00",
        "hann window of 1024 samples",
        "https://whales.example/s/abc",
        &cited.fingerprint,
    ] {
        assert!(cited.text.contains(part), "{part} in {}", cited.text);
    }
    let measures = cited.measures.expect("measured");
    assert!((measures.peak_hz.expect("a peak") - 1000.0).abs() < 1.0);
    assert!(cited.python.contains("SELECTED = [10000,14000]"), "{}", &cited.python[..1200]);
    assert!(!cited.python.contains("#PARAMETERS#"));
}

#[test]
fn a_citation_of_a_folded_view_says_what_is_left_out_and_its_script_takes_every_stretch() {
    let cited = |query: &str| {
        let viewed = viewed_from(&format!("v=1&src=set:bay&gaps=collapsed{query}"), 50);
        let at = Citation { link: "./", base: "./", samples: None };
        cite(&viewed, &at).expect("cited")
    };
    let whole = cited("");
    let said = "The bay, 4 s in 2 stretches from 2024-06-01T12:00:00Z to 2024-06-01T12:00:52Z (left out \
                between them: 2024-06-01T12:00:02Z to 2024-06-01T12:00:50Z), 0 Hz to 4 kHz";
    assert!(whole.text.starts_with(said), "{}", whole.text);
    assert!(whole.measures.is_none(), "50 s of it are no sound");
    let second = r#"[2.0,[400000,416000],"2024-06-01T12:00:50Z","#;
    for part in ["SHOWN_S = 4.0", "STRETCHES = [[0.0,[0,16000],", second, "SELECTED = None"] {
        assert!(whole.python.contains(part), "{part} in {}", &whole.python[..2500]);
    }
    let selected = cited("&sel=50.5s_0.5_500-1500&flat=4");
    assert!(selected.measures.is_some());
    // What flattening takes away comes from both stretches.
    for part in ["SELECTED = [404000,408000]", r#""runs":[[0,125],[3125,3250]]"#] {
        assert!(selected.python.contains(part), "{part} in {}", &selected.python[..3500]);
    }
    let open = cited("&t=0.5s&span=1");
    assert!(open.measures.is_some() && open.text.contains("The bay, 1 s from"), "{}", open.text);
}

#[test]
fn a_citation_names_some_gaps_and_counts_the_others() {
    let mut folded = viewed_from("v=1&src=set:bay&gaps=collapsed", 50);
    let second = spyhop_signal::line::Run { recording: 1, ..folded.line.runs[1] };
    let run = |n: i64| spyhop_signal::line::Run { position: n * 400_000, ..second };
    folded.line.runs = (0..10).map(run).collect();
    folded.fold = Fold::of(&folded.line);
    (folded.places, folded.positions) = (0.0..160_000.0, 0.0..3_616_000.0);
    let text =
        cite(&folded, &Citation { link: "./", base: "./", samples: None }).expect("cited").text;
    assert!(text.contains("20 s in 10 stretches from"), "{text}");
    assert!(
        text.contains("2024-06-01T12:04:12Z to 2024-06-01T12:05:00Z and 3 more gaps)"),
        "{text}"
    );
}

#[test]
fn flattening_compares_with_the_sea_on_both_sides_of_a_gap() {
    // The second in the middle of the picture lies in the gap, folded away or not.
    for query in ["&t=2s&span=48", "&gaps=collapsed&t=1.5s&span=1"] {
        let viewed = viewed_from(&format!("v=1&src=set:bay&flat=3{query}"), 50);
        let power = ViewPower::of(&viewed, (400.0, 200.0), MOST_PREVIEW_FRAMES).expect("a picture");
        let flatten = power.flatten().expect("medians");
        let bin = 1000.0 / flatten.bin_hz - flatten.first_bin;
        let median_db = 10.0 * flatten.median[(bin / flatten.bins_per_row) as usize].log10();
        // A third of what is recorded there has the tone, the rest a hum at another frequency.
        assert!(median_db.is_finite() && median_db < -60.0, "{query}: {median_db}");
        let over = power::median_columns(&viewed, 3.0);
        assert_eq!(over.runs.len(), 2, "{query}: {over:?}");
    }
}

#[test]
fn a_hop_of_one_sample_does_not_make_hours_of_a_picture_or_of_a_measure() {
    let fine = |fft: &str| viewed(&format!("v=1&src=set:bay&t=1s&span=2&fft={fft}.density.hann"));
    let exact = |fft: &str| {
        let power = ViewPower::of(&fine(fft), (1200.0, 600.0), MOST_PREVIEW_FRAMES);
        power.expect("a picture").is_exact()
    };
    assert_eq!((exact("64.64.1"), exact("65536.64.1")), (true, false));
    let measures = |fft: &str| measure(&fine(fft)).expect("samples");
    assert!(measures("64.64.1").is_some() && measures("65536.64.1").is_none());
    assert!(measures("65536.65536.1").is_some(), "one frame, with silence around it");
}

#[test]
fn weeks_are_not_made_into_minutes_for_whoever_asks() {
    let mut weeks = viewed("v=1&src=set:bay&rate=1800");
    let mut infos = weeks.recordings.infos.to_vec();
    infos.truncate(1);
    infos[0].frames = 1 << 30;
    infos[0].segments[0].frames = 1 << 30;
    weeks.line = Line::new(&infos).expect("a recording").0;
    weeks.positions = 0.0..weeks.line.end() as f64;
    let error = heard(&weeks).err().expect("too much").to_string();
    assert!(error.contains("1074 million samples; 268 million at most"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a link says, what is shown lies within what there is, and a picture can be made of it.
    #[test]
    fn hostile_links_look_at_what_there_is(
        start in prop_oneof!["-?[0-9]{1,12}(\\.[0-9]{1,9})?s", "20[0-9]{2}-0[1-9]-0[1-9]T12:00:0[0-9]Z"],
        span in "[0-9]{1,12}(\\.[0-9]{1,9})?",
        band in (0.0..1e6f64, 1e-3..1e6f64),
        selected in ("-?[0-9]{1,10}(\\.[0-9]{1,9})?s", "[0-9]{0,9}\\.[0-9]{1,9}", 0.0..1e5f64),
        channel in any::<u32>(),
        shape in "(&gaps=collapsed)?(&axis=(log|mel))?(&flat=[1-9][0-9]{0,8})?",
    ) {
        let (low, width) = band;
        let (at, wide, foot) = selected;
        let query = format!(
            "v=1&src=set:bay&t={start}&span={span}&f={low}-{}&sel={at}_{wide}_{foot}-{}&ch={channel}{shape}",
            low + width, foot + 10.0
        );
        let (view, _) = View::from_query(&query);
        let plain = viewed_from("v=1&src=set:bay", 10);
        let looked = Viewed::of_deployment(view, plain.deployment, plain.recordings).expect("recordings");
        let end = looked.line.end();
        let (samples, (selected, (low, high))) = (looked.samples(), looked.selected());
        for range in [&samples, &selected] {
            prop_assert!(0 <= range.start && range.start < range.end && range.end <= end, "{range:?}");
        }
        prop_assert!(low <= high && high <= 4000.0, "{low} to {high}");
        prop_assert!(looked.places.start >= 0.0 && looked.places.end <= looked.positions.end);
        prop_assert!(!looked.title().is_empty() && !looked.fingerprint().is_empty());
        let power = ViewPower::of(&looked, (60.0, 40.0), 500.0);
        prop_assert!(power.is_ok(), "{}", power.err().map(|e| e.to_string()).unwrap_or_default());
    }
}
