//! Recordings as people have them: containers read chunk by chunk, frame by frame and page by page, so that wrong sizes,
//! damage and joined files cost no more than they must. Used by [`super::ClipFile`].

mod aiff;
mod block;
mod byte_reader;
mod codec;
mod flac;
mod flac_frame;
mod library;
mod mpeg;
mod mpeg_frame;
mod ogg;
mod ogg_page;
mod open;
mod pcm;
mod plain_headers;
mod wave;
mod wave_codecs;

pub(super) use block::{Block, Decode, Fault, Note};
pub(super) use byte_reader::ByteReader;
pub(super) use open::{Container, open};
