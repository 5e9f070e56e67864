//! Layer 0: files and folders in places that others can write to: read and created so that nothing that was put there is
//! followed, waited for or harmed. Used by every layer that touches the disk, on its own thread.
//!
//! Everything that tympan creates, probes, replaces or renames goes through here. New files get random names that must not
//! exist yet; a path that holds a link, a FIFO, a device or a folder where a file is expected is an error that says so.

mod csv_text;
mod reading;
mod writing;

pub use csv_text::csv_text;
pub use reading::{MAX_WAIT, open_regular, open_regular_within, read_regular, read_stream, within};
pub use writing::{
    Durability, append, create_new, folder_of, move_to_free_name, nearest_folder, private_folder,
    probe_folder, replace, require_replaceable,
};
