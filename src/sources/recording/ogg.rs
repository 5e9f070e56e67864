//! Ogg with Vorbis or FLAC: walks from page to page, over damage and into whatever recordings are chained to the first. Feeds
//! packets to the library's decoders, on the thread that reads the recording.

use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};

use super::block::{Block, Decode, Fault, Note};
use super::byte_reader::ByteReader;
use super::codec::{decode, make_decoder};
use super::flac::FlacStream;
use super::flac_frame::{FlacFrame, StreamDescription};
use super::ogg_page::{MAX_PAGE_BYTES, PageHead, is_intact, pieces};

/// The longest packet: a picture may stand in the comments.
const MAX_PACKET_BYTES: usize = 1 << 24;

/// The longest silence that stands for lost pages: this much, and more for every byte that is lost.
const MAX_UNPROVEN_SECONDS: u64 = 600;
const MAX_SAMPLES_PER_LOST_BYTE: u64 = 64;

/// Decodes Ogg.
pub(super) struct Ogg {
    bytes: ByteReader,
    link: Option<Link>,
    /// What the streams hold that are not read, for when there is no other.
    unread: Option<&'static str>,
    /// Bytes since the last page that are none.
    junk: u64,
    ended: bool,
}

impl Ogg {
    /// Reads whatever pages there are in `bytes`.
    pub(super) fn new(bytes: ByteReader) -> Self {
        Self { bytes, link: None, unread: None, junk: 0, ended: false }
    }

    /// The next whole and intact page.
    fn page(&mut self) -> Result<Option<(PageHead, Vec<u8>)>, Fault> {
        loop {
            let there = self.bytes.peek(MAX_PAGE_BYTES)?;
            if there.is_empty() {
                return Ok(None);
            }
            if let Some(head) = PageHead::parse(there)
                && let Some(page) = there.get(..head.bytes)
                && is_intact(page)
            {
                let page = page.to_vec();
                self.bytes.skip(page.len() as u64)?;
                return Ok(Some((head, page)));
            }
            let there = &there[..there.len().min(MAX_PAGE_BYTES)];
            let next = there[1..].windows(4).position(|name| name == b"OggS");
            // the last three bytes may begin a name
            let passed = next.map_or(there.len().saturating_sub(3).max(1), |at| at + 1);
            self.junk += passed as u64;
            self.bytes.skip(passed as u64)?;
        }
    }

    /// Begins another stream, where that is one that is read.
    fn begin(&mut self, head: &PageHead, packet: &[u8], block: &mut Block) {
        if self.link.as_ref().is_some_and(|link| !link.has_begun()) {
            // one of several at once: the first that is read is the one
            return;
        }
        match Link::new(head, packet) {
            Ok(link) => {
                if let Some(before) = self.link.replace(link) {
                    block.notes.extend(before.end_note());
                    block.notes.push(Note::Joined);
                }
            }
            Err(name) => self.unread = self.unread.or(name),
        }
    }

    fn end(&mut self, block: &mut Block) -> Result<bool, Fault> {
        self.ended = true;
        match &self.link {
            Some(link) => {
                block.notes.extend(link.end_note());
                Ok(false)
            }
            None => {
                let holds = self.unread.unwrap_or("nothing that is known");
                Err(Fault::refused(format!("its Ogg stream holds {holds}")))
            }
        }
    }
}

impl Decode for Ogg {
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        block.clear();
        while !self.ended {
            let Some((head, page)) = self.page()? else { return self.end(block) };
            let parts = pieces(&page, &head);
            if head.begins_stream
                && let Some((packet, _)) = parts.first()
            {
                self.begin(&head, packet, block);
            }
            let Some(link) = self.link.as_mut().filter(|link| link.serial == head.serial) else {
                continue;
            };
            link.lost_bytes += std::mem::take(&mut self.junk);
            link.read(&head, &parts, block)?;
            if !block.samples.is_empty() || block.lost > 0 || !block.notes.is_empty() {
                if block.samples.is_empty() {
                    (block.rate_hz, block.channels) = link.form;
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// One of the streams that are chained.
struct Link {
    serial: u32,
    sequence: Option<u32>,
    codec: Codec,
    /// Of a packet that goes on on the next page.
    packet: Vec<u8>,
    packet_is_torn: bool,
    lost_bytes: u64,
    pages_are_missing: bool,
    /// Samples given out.
    position: u64,
    /// Where the first of them stands in the stream's own counting, once that is known.
    origin: Option<i128>,
    /// The rate and the channels of the last block.
    form: (u32, usize),
    has_ended: bool,
}

enum Codec {
    /// Until all its headers are there.
    VorbisHeaders(Vec<u8>),
    Vorbis(Box<dyn AudioDecoder>),
    Flac(Box<FlacStream>, StreamDescription),
}

impl Link {
    /// The stream that begins with `packet`; else the name of what it holds.
    fn new(head: &PageHead, packet: &[u8]) -> Result<Self, Option<&'static str>> {
        let codec = if packet.starts_with(b"\x01vorbis") {
            Codec::VorbisHeaders(packet.to_vec())
        } else if packet.starts_with(b"\x7FFLAC") {
            let description = packet.get(17..).and_then(StreamDescription::parse);
            let description = description.ok_or(Some("FLAC without a description"))?;
            Codec::Flac(Box::new(FlacStream::new(description)), description)
        } else {
            return Err(match packet {
                [b'O', b'p', b'u', b's', b'H', ..] => Some("Opus"),
                [b'S', b'p', b'e', b'e', b'x', ..] => Some("Speex"),
                [0x80, b't', b'h', b'e', b'o', ..] => Some("a picture and no sound"),
                _ => None,
            });
        };
        Ok(Self {
            serial: head.serial,
            sequence: None,
            codec,
            packet: Vec::new(),
            packet_is_torn: false,
            lost_bytes: 0,
            pages_are_missing: false,
            position: 0,
            origin: None,
            form: (0, 1),
            has_ended: false,
        })
    }

    fn has_begun(&self) -> bool {
        self.position > 0 || self.has_ended
    }

    fn end_note(&self) -> Option<Note> {
        let cut = self.has_begun() && !self.has_ended;
        cut.then(|| Note::Odd("is cut short: its stream has no last page".to_owned()))
    }

    /// Decodes a page; its sound is in `block`, if it has some.
    fn read(
        &mut self,
        head: &PageHead,
        parts: &[(&[u8], bool)],
        block: &mut Block,
    ) -> Result<(), Fault> {
        let expected = self.sequence.replace(head.sequence).map(|last| last.wrapping_add(1));
        if expected.is_some_and(|expected| expected != head.sequence) {
            self.pages_are_missing = true;
            self.packet.clear();
            if let Codec::Vorbis(decoder) = &mut self.codec {
                decoder.reset();
            }
        }
        if !head.continues {
            self.packet.clear();
        }
        // the end of a packet whose beginning is lost
        self.packet_is_torn = head.continues && self.packet.is_empty();
        let (mut sound, mut failure) = (Vec::new(), None);
        for &(piece, ends) in parts {
            if self.packet.len() + piece.len() <= MAX_PACKET_BYTES {
                self.packet.extend_from_slice(piece);
            }
            if !ends {
                break;
            }
            let packet = std::mem::take(&mut self.packet);
            if std::mem::take(&mut self.packet_is_torn) || packet.is_empty() {
                continue;
            }
            match self.packet(&packet, block) {
                Ok(()) => sound.append(&mut block.samples),
                Err(PacketFault::Stream(fault)) => return Err(fault),
                Err(PacketFault::Packet(reason)) => failure = Some((packet.len(), reason)),
            }
        }
        block.samples = sound;
        if !block.samples.is_empty() {
            self.form = (block.rate_hz, block.channels);
        }
        if let Some((bytes, reason)) = failure {
            self.lost_bytes += bytes as u64;
            log::debug!("a packet before byte {} of its page: {reason}", head.bytes);
        }
        match &self.codec {
            Codec::Vorbis(_) => self.place(head, block),
            Codec::Flac(..) => self.position += block.frames() as u64,
            Codec::VorbisHeaders(_) => {}
        }
        self.has_ended |= head.ends_stream;
        Ok(())
    }

    fn packet(&mut self, packet: &[u8], block: &mut Block) -> Result<(), PacketFault> {
        match &mut self.codec {
            Codec::VorbisHeaders(headers) => {
                if packet.starts_with(b"\x05vorbis") {
                    headers.extend_from_slice(packet);
                    let mut parameters = AudioCodecParameters::new();
                    let headers = std::mem::take(headers).into_boxed_slice();
                    parameters.for_codec(CODEC_ID_VORBIS).with_extra_data(headers);
                    let decoder = make_decoder(&parameters).map_err(PacketFault::Stream)?;
                    self.codec = Codec::Vorbis(decoder);
                }
                Ok(())
            }
            Codec::Vorbis(decoder) => {
                decode(decoder.as_mut(), packet, block).map_err(PacketFault::Packet)
            }
            Codec::Flac(stream, description) => {
                let Some(frame) = FlacFrame::parse(packet, description) else { return Ok(()) };
                let lost_bytes = std::mem::take(&mut self.lost_bytes);
                stream.decode(frame, packet, lost_bytes, block).map_err(PacketFault::Stream)
            }
        }
    }

    /// Brings the page's sound to where its granule position says that it stands.
    fn place(&mut self, head: &PageHead, block: &mut Block) {
        let frames = block.frames() as u64;
        let lost_bytes = self.lost_bytes;
        let damaged = self.pages_are_missing || lost_bytes > 0;
        let Some(granule) = head.granule.map(i128::from) else {
            self.position += frames;
            return;
        };
        let end = i128::from(self.position + frames);
        let Some(origin) = self.origin else {
            if frames == 0 {
                return;
            }
            // what an encoder put before the sound, or a stream that was cut out of a longer one
            self.origin = Some(if granule < end && !head.ends_stream {
                block.cut_start((end - granule) as u64);
                0
            } else if granule < end {
                block.cut_end(granule as u64);
                0
            } else {
                granule - end
            });
            self.position += block.frames() as u64;
            return;
        };
        let ahead = granule - origin - end;
        if ahead < 0 && head.ends_stream {
            let there = u64::try_from(granule - origin - i128::from(self.position)).unwrap_or(0);
            block.cut_end(there.min(frames));
        } else if ahead != 0 {
            let longest = MAX_UNPROVEN_SECONDS * u64::from(self.form.0)
                + lost_bytes.saturating_mul(MAX_SAMPLES_PER_LOST_BYTE);
            match u64::try_from(ahead) {
                Ok(gap) if damaged && gap <= longest => {
                    block.lost += gap;
                    self.position += gap;
                }
                // another way of counting: the sound itself is as good
                _ => self.origin = Some(granule - end),
            }
        }
        if damaged {
            let reason = "pages are damaged or missing".to_owned();
            block.notes.push(Note::Damage { bytes: lost_bytes, reason });
        }
        (self.lost_bytes, self.pages_are_missing) = (0, false);
        self.position += block.frames() as u64;
    }
}

/// Why a packet has no sound.
enum PacketFault {
    /// It is damaged.
    Packet(String),
    /// Nothing that follows can be read either.
    Stream(Fault),
}
