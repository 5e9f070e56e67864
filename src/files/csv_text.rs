//! Rows of text as CSV. Used by every writer of a table: the training log, folds, and `tympan classify`.

use csv::WriterBuilder;

/// The rows as CSV, one a line, quoted where they have to be (RFC 4180).
pub fn csv_text<R>(rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("invariant: memory takes every row");
    }
    let bytes = writer.into_inner().expect("invariant: memory takes every row");
    String::from_utf8(bytes).expect("invariant: rows of text are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_comma_stays_one_field() {
        let rows = [["a,b \"c\".wav", "1"], ["a b.wav", ""]];
        assert_eq!(csv_text(rows), "\"a,b \"\"c\"\".wav\",1\na b.wav,\n");
    }
}
