//! Ogg Vorbis: own pages and places, decoded by symphonia.

mod page;
mod vorbis_bits;
mod vorbis_setup;

use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder as _, AudioDecoderOptions,
};
use symphonia::default::codecs::VorbisDecoder;

use self::page::{MAX_PAGE_BYTES, Page};
use super::bytes::u32_le;
use super::metadata::vorbis_comment;
use super::opening::{Found, Opening};
use super::packets::{self, PacketDecoder, Packets};
use crate::recording::OpenError;
use crate::source::{ByteSource, SourceError};

/// The longest packet that is put together.
const MAX_PACKET_BYTES: usize = 1 << 20;
/// Pages that the three header packets may take.
const MAX_HEADER_PAGES: usize = 256;
/// Stretches shorter than this are walked page by page.
const LINEAR_BYTES: u64 = 2 * MAX_PAGE_BYTES;
/// How far from the end the last page is looked for.
const TAIL_BYTES: u64 = 4 << 20;

/// Opens what begins with `OggS`.
pub(crate) fn open(opening: &mut Opening<'_>) -> Result<Found, OpenError> {
    let mut source = opening.source.clone();
    let failed = |opening: &Opening<'_>, e: SourceError| opening.source_error(e);
    let cut = |opening: &Opening<'_>| {
        opening.broken(
            "it begins like an Ogg file but its headers are not whole; it was cut short or \
             damaged, copy it again"
                .to_owned(),
        )
    };
    let (headers, serial, start) = match read_headers(&mut source) {
        Ok(Some(headers)) => headers,
        Ok(None) => return Err(cut(opening)),
        Err(e) => return Err(failed(opening, e)),
    };
    let [identification, comments, setup] = &headers;
    if !identification.starts_with(b"\x01vorbis") {
        let coding = match identification.as_slice() {
            b if b.starts_with(b"OpusHead") => "Opus",
            b if b.starts_with(b"\x7FFLAC") => "FLAC in Ogg",
            b if b.starts_with(b"Speex") => "Speex",
            _ => "something that is no Vorbis",
        };
        return Err(opening.broken(format!(
            "it holds {coding}, which is not read here; convert it to WAV or FLAC"
        )));
    }
    let channels = u32::from(identification.get(11).copied().unwrap_or(0));
    let rate = u32_le(identification, 12).unwrap_or(0);
    let decoder = new_decoder(identification, setup).map_err(|p| opening.broken(p))?;
    if let Some(comments) = comments.strip_prefix(b"\x03vorbis") {
        vorbis_comment::read(opening, comments);
    }
    let mut vorbis = VorbisPackets {
        decoder,
        channels: channels as usize,
        serial,
        start,
        end: source.len(),
        base: 0,
        next_at: start,
        place: None,
        part: Vec::new(),
        problems: Vec::new(),
    };
    let (frames, warning) = vorbis.measure(&mut source).map_err(|e| opening.source_error(e))?;
    opening.warnings.extend(warning);
    opening.warn(
        "it is Ogg Vorbis, which is lossy: faint sounds under loud ones are not what was recorded"
            .to_owned(),
    );
    Ok(Found {
        format: "ogg",
        codec: "vorbis",
        sample_rate_hz: f64::from(rate),
        channels,
        bits_per_sample: 0,
        frames,
        segments: Vec::new(),
        decoder: Box::new(PacketDecoder::new(vorbis, channels as usize, frames)),
    })
}

fn new_decoder(identification: &[u8], setup: &[u8]) -> Result<VorbisDecoder, String> {
    let damaged = |why: &str| format!("its Vorbis headers are damaged ({why}); copy it again");
    vorbis_setup::check(identification, setup).map_err(|why| match why {
        vorbis_setup::NOT_READ => format!("{why}; convert it to WAV or FLAC"),
        damage => damaged(damage),
    })?;
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(CODEC_ID_VORBIS)
        .with_extra_data([identification, setup].concat().into_boxed_slice());
    VorbisDecoder::try_new(&parameters, &AudioDecoderOptions::default())
        .map_err(|e| damaged(&e.to_string()))
}

/// Vorbis has an order of channels for each number of them (section 4.3.9 of its specification),
/// which libsndfile gives as it is; the decoder sorts them by their place around the listener. Where
/// it has put each.
fn planes(channels: usize) -> &'static [usize] {
    match channels {
        1 => &[0],
        2 => &[0, 1],
        3 => &[0, 2, 1],
        4 => &[0, 1, 2, 3],
        5 => &[0, 2, 1, 3, 4],
        6 => &[0, 2, 1, 4, 5, 3],
        7 => &[0, 2, 1, 5, 6, 4, 3],
        _ => &[0, 2, 1, 6, 7, 4, 5, 3],
    }
}

/// The three header packets, the stream's number and where its sound begins.
type Headers = ([Vec<u8>; 3], u32, u64);

fn read_headers(source: &mut dyn ByteSource) -> Result<Option<Headers>, SourceError> {
    let mut packets: Vec<Vec<u8>> = Vec::new();
    let mut part = Vec::new();
    let mut serial = None;
    let mut at = 0;
    for _ in 0..MAX_HEADER_PAGES {
        let Some(page) = page::read(source, at)? else { return Ok(None) };
        at = page.end;
        // Other streams of the file stand between the pages of the first.
        if *serial.get_or_insert(page.serial) != page.serial {
            continue;
        }
        take_packets(source, &page, &mut part, &mut |packet| packets.push(packet.to_vec()))?;
        if packets.len() >= 3 {
            packets.truncate(3);
            let headers = <[Vec<u8>; 3]>::try_from(packets).ok();
            return Ok(headers.zip(serial).map(|(headers, serial)| (headers, serial, at)));
        }
        // Not Vorbis: one packet is enough to say so.
        if packets.first().is_some_and(|p| !p.starts_with(b"\x01vorbis")) {
            packets.resize(3, Vec::new());
            let headers = <[Vec<u8>; 3]>::try_from(packets).ok();
            return Ok(headers.zip(serial).map(|(headers, serial)| (headers, serial, at)));
        }
    }
    Ok(None)
}

/// Gives every packet that ends on the page; what goes on is kept in `part`.
fn take_packets(
    source: &mut dyn ByteSource,
    page: &Page,
    part: &mut Vec<u8>,
    each: &mut dyn FnMut(&[u8]),
) -> Result<(), SourceError> {
    // The rest of a packet whose beginning was not read is of no use.
    let lost = page.is_continued && part.is_empty();
    if !page.is_continued {
        part.clear();
    }
    let mut at = page.body_at;
    for (i, &length) in page.parts.iter().enumerate() {
        let from = part.len();
        if from + length > MAX_PACKET_BYTES {
            part.clear();
            return Ok(());
        }
        part.resize(from + length, 0);
        source.read_at(at, &mut part[from..])?;
        at += length as u64;
        if i + 1 == page.parts.len() && page.is_open {
            if lost && i == 0 {
                part.clear();
            }
            return Ok(());
        }
        if !(lost && i == 0) {
            each(part);
        }
        part.clear();
    }
    Ok(())
}

/// The sound of a Vorbis stream, page after page.
struct VorbisPackets {
    decoder: VorbisDecoder,
    channels: usize,
    serial: u32,
    /// Where pages with sound begin and end.
    start: u64,
    end: u64,
    /// The stream's place of frame 0: streams cut out of longer ones begin later.
    base: i64,
    next_at: u64,
    /// The stream's place behind what was decoded last.
    place: Option<i64>,
    part: Vec<u8>,
    problems: Vec<String>,
}

impl VorbisPackets {
    /// Finds the stream's first and last place: how many frames there are, and a warning where
    /// that is not sure.
    fn measure(
        &mut self,
        source: &mut dyn ByteSource,
    ) -> Result<(u64, Option<String>), SourceError> {
        let mut block = Vec::new();
        let Some(first) = self.decode_page(source, &mut block)? else { return Ok((0, None)) };
        self.base = first.max(0);
        let mut tail = LINEAR_BYTES;
        let last = loop {
            let mut at = self.end.saturating_sub(tail).max(self.start);
            let whole = at == self.start;
            let mut last = None;
            while let Some((_, page)) = page::find(source, self.serial, at, self.end)? {
                last = page.granule.or(last);
                at = page.end;
            }
            if last.is_some() || whole {
                break last;
            }
            if tail >= TAIL_BYTES {
                let problem = "the end of its sound was not found within the last 4 MiB; its \
                               length is not known";
                return Ok((0, Some(problem.to_owned())));
            }
            tail *= 2;
        };
        let last = i64::try_from(last.unwrap_or(0)).unwrap_or(0);
        let frames = u64::try_from(last - self.base).unwrap_or(0);
        // The densest Vorbis: a packet of one byte for 8192 samples.
        let most = self.end.saturating_sub(self.start).saturating_mul(8192);
        let warning = (frames > most)
            .then(|| format!("it promises {frames} frames, more than a file of its size can hold"));
        Ok((frames.min(most), warning))
    }

    /// Decodes all packets that end on the next page with any; gives the stream's place of the
    /// first sample.
    fn decode_page(
        &mut self,
        source: &mut dyn ByteSource,
        block: &mut Vec<f32>,
    ) -> Result<Option<i64>, SourceError> {
        loop {
            let at = self.next_at;
            let Some((found, page)) = page::find(source, self.serial, at, self.end)? else {
                return Ok(None);
            };
            self.next_at = page.end;
            block.clear();
            let (decoder, planes, problems) =
                (&mut self.decoder, planes(self.channels), &mut self.problems);
            take_packets(source, &page, &mut self.part, &mut |bytes| match decoder
                .decode_ref(&packets::packet(bytes))
            {
                Ok(decoded) => packets::append(&decoded, planes, block),
                Err(_) if problems.is_empty() => problems
                    .push(format!("the page at byte {found} is damaged; some sound is lost")),
                Err(_) => {}
            })?;
            let Some(granule) = page.granule else { continue };
            let granule = i64::try_from(granule).unwrap_or(i64::MAX);
            let count = (block.len() / self.channels.max(1)) as i64;
            // The last page may say less than it holds: what is behind is not to be heard. A stream
            // of one page begins at 0.
            let known = self.place.or((found == self.start).then_some(0)).filter(|_| page.is_last);
            let first = known.unwrap_or_else(|| granule.saturating_sub(count));
            self.place = Some(first.saturating_add(count));
            return Ok(Some(first));
        }
    }
}

impl Packets for VorbisPackets {
    fn seek(&mut self, source: &mut dyn ByteSource, frame: u64) -> Result<(), SourceError> {
        let wanted = i64::try_from(frame).unwrap_or(i64::MAX).saturating_add(self.base);
        let wanted = u64::try_from(wanted).unwrap_or(0);
        let (mut low, mut high) = (self.start, self.end);
        while high - low > LINEAR_BYTES {
            let middle = low + (high - low) / 2;
            match page::find(source, self.serial, middle, high)? {
                Some((at, page)) if page.granule.is_some_and(|g| g <= wanted) => {
                    low = at.max(low + 1)
                }
                _ => high = middle,
            }
        }
        // The last page that ends at or before the place: decoding it primes what comes next.
        let (mut from, mut at) = (self.start, low);
        while let Some((found, page)) = page::find(source, self.serial, at, self.end)? {
            if page.granule.is_some_and(|g| g > wanted) {
                break;
            }
            if page.granule.is_some() {
                from = found;
            }
            at = page.end;
        }
        self.decoder.reset();
        self.part.clear();
        self.place = None;
        self.next_at = from;
        Ok(())
    }

    fn next(
        &mut self,
        source: &mut dyn ByteSource,
        block: &mut Vec<f32>,
    ) -> Result<Option<i64>, SourceError> {
        Ok(self.decode_page(source, block)?.map(|first| first.saturating_sub(self.base)))
    }

    fn problems(&self) -> &[String] {
        &self.problems
    }
}
