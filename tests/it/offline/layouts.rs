//! Each layout from a small folder: what is found, in which order, with which fold, group and part.

use std::time::Duration;

use tympan::offline::{ClipSpan, Dataset, DatasetOptions, Layout, Subset};

use super::{Folder, clips, labels, says};

const ESC50: &str = "filename,fold,target,category,esc10,src_file,take,license\n\
                     1-17-A-7.ogg,1,7,rooster,True,17,A,CC0\n\
                     2-17-B-7.ogg,2,7,rooster,True,17,B,CC-BY\n\
                     1-18-A-0.wav,1,0,wolf,False,18,A,CC-BY\n";

fn esc50() -> Folder {
    let folder = Folder::new();
    folder.write("meta/esc50.csv", ESC50);
    // published as WAV, kept as something else
    folder.sounds(&["audio/1-17-A-7.ogg", "audio/2-17-B-7.ogg", "audio/1-18-A-0.flac"]);
    folder
}

#[test]
fn esc50_is_read_in_the_order_of_its_targets() {
    let folder = esc50();
    let dataset = folder.open().unwrap();
    assert_eq!((dataset.layout, dataset.name.as_str()), (Layout::Esc50, "ESC-50"));
    assert_eq!(labels(&dataset), ["wolf", "rooster"]);
    let rooster =
        |name: &str, fold| (name.to_owned(), "rooster".to_owned(), Some(fold), Some("17"));
    let wolf = ("1-18-A-0.flac".to_owned(), "wolf".to_owned(), Some(1), Some("18"));
    let expected = [rooster("1-17-A-7.ogg", 1), rooster("2-17-B-7.ogg", 2), wolf];
    assert_eq!(clips(&dataset), expected);
    assert!(dataset.faults.is_empty(), "{:?}", dataset.faults);
    assert_eq!(dataset.clips_in(&[1]).len(), 2);
    assert_eq!(dataset.folds().into_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn rows_of_other_licences_are_left_out_and_their_labels_kept() {
    let folder = esc50();
    let options = DatasetOptions { licences: vec!["CC0".into()], ..DatasetOptions::default() };
    let dataset = Dataset::open(folder.path(), &options).unwrap();
    assert_eq!((dataset.clips.len(), dataset.labels.len()), (1, 2));
    assert_eq!(dataset.terms, "CC0");
    let options = DatasetOptions { licences: vec!["MIT".into()], ..DatasetOptions::default() };
    let error = Dataset::open(folder.path(), &options).unwrap_err().to_string();
    says(&error, &["MIT", "CC-BY", "CC0"]);
}

#[test]
fn a_subset_or_chosen_classes_have_labels_of_their_own() {
    let folder = esc50();
    let options = DatasetOptions { subset: Some(Subset::Esc10), ..DatasetOptions::default() };
    let dataset = Dataset::open(folder.path(), &options).unwrap();
    assert_eq!((dataset.name.as_str(), labels(&dataset)), ("ESC-50", vec!["rooster".to_owned()]));
    assert_eq!(dataset.clips.len(), 2);
    let options = DatasetOptions { labels: vec!["wolf".into()], ..DatasetOptions::default() };
    let dataset = Dataset::open(folder.path(), &options).unwrap();
    assert_eq!((labels(&dataset), dataset.clips.len()), (vec!["wolf".to_owned()], 1));
    let options = DatasetOptions { labels: vec!["wofl".into()], ..DatasetOptions::default() };
    let error = Dataset::open(folder.path(), &options).unwrap_err().to_string();
    says(&error, &["wofl", "wolf", "rooster"]);
}

#[test]
fn urbansound8k_is_read_whole_whatever_its_slices_were_cut_from() {
    let folder = Folder::new();
    let table = "slice_file_name,fsID,start,end,salience,fold,classID,class\n\
                 99-1-0-0.wav,99,61.5,65.5,1,2,1,car_horn\n\
                 98-0-0-3.wav,98,0.0,4.0,2,10,0,air_conditioner\n";
    folder.write("metadata/UrbanSound8K.csv", table);
    folder.sounds(&["audio/fold2/99-1-0-0.ogg", "audio/fold10/98-0-0-3.wav"]);
    let dataset = folder.open().unwrap();
    assert_eq!(dataset.layout, Layout::UrbanSound8k);
    assert_eq!(labels(&dataset), ["air_conditioner", "car_horn"]);
    assert_eq!(
        clips(&dataset),
        [
            ("99-1-0-0.ogg".to_owned(), "car_horn".to_owned(), Some(2), Some("99")),
            ("98-0-0-3.wav".to_owned(), "air_conditioner".to_owned(), Some(10), Some("98")),
        ]
    );
    assert!(dataset.clips.iter().all(|clip| clip.span.is_none()));
}

#[test]
fn folders_are_classes_and_what_lies_deeper_belongs_to_them() {
    let folder = Folder::new();
    folder.sounds(&["dog/b.wav", "dog/2019/May/a.wav", "cat/c.flac", "stray.wav", ".trash/d.wav"]);
    folder.write("dog/notes.txt", "heard in May");
    folder.write("cat/.DS_Store", "rubbish");
    folder.write("figures/curve.png", "not a class");
    let dataset = folder.open().unwrap();
    assert_eq!(dataset.layout, Layout::Folders);
    assert_eq!(labels(&dataset), ["cat", "dog"]);
    let clip = |name: &str, label: &str| (name.to_owned(), label.to_owned(), None, None);
    assert_eq!(
        clips(&dataset),
        [clip("c.flac", "cat"), clip("a.wav", "dog"), clip("b.wav", "dog")]
    );
    assert!(dataset.faults.is_empty(), "{:?}", dataset.faults);
    assert!(dataset.folds().is_empty());
    assert_eq!(dataset.name, folder.path().file_stem().unwrap().to_string_lossy());
}

/// With a byte order mark, as spreadsheets write it, and columns that nobody asked for.
const LIST: &str = "\u{feff}note,path, label,fold,group,start,end\n\
                    x,far/a.wav,door,3,hall,0.5,1.25\n\
                    x,far/a.wav,bell,,,2,\n\
                    \n\
                    x,\"b, c.wav\",door,,,,\n";

#[test]
fn a_csv_is_read_with_its_parts_folds_and_groups() {
    let folder = Folder::new();
    folder.write("list.csv", LIST);
    folder.sounds(&["far/a.wav", "b, c.wav"]);
    let dataset = folder.open().unwrap();
    assert_eq!(dataset.layout, Layout::Csv);
    assert_eq!(labels(&dataset), ["bell", "door"]);
    assert_eq!(
        clips(&dataset),
        [
            ("a.wav".to_owned(), "door".to_owned(), Some(3), Some("hall")),
            ("a.wav".to_owned(), "bell".to_owned(), None, None),
            ("b, c.wav".to_owned(), "door".to_owned(), None, None),
        ]
    );
    let millis = Duration::from_millis;
    let spans = [
        Some(ClipSpan { start: millis(500), end: Some(millis(1_250)) }),
        Some(ClipSpan { start: millis(2_000), end: None }),
        None,
    ];
    assert_eq!(dataset.clips.iter().map(|clip| clip.span).collect::<Vec<_>>(), spans);
    let named = Dataset::open(&folder.path().join("list.csv"), &DatasetOptions::default()).unwrap();
    assert_eq!((named.clips, named.name.as_str()), (dataset.clips, "list"));
}

#[test]
fn a_csv_among_class_folders_is_what_counts_and_two_are_asked_about() {
    let folder = Folder::new();
    folder.write("list.csv", LIST);
    folder.write("other.csv", "a,b\n1,2\n");
    folder.sounds(&["far/a.wav", "b, c.wav"]);
    assert_eq!(folder.open().unwrap().layout, Layout::Csv);
    let options = DatasetOptions { layout: Some(Layout::Folders), ..DatasetOptions::default() };
    let named = Dataset::open(folder.path(), &options).unwrap();
    assert_eq!((named.layout, labels(&named)), (Layout::Folders, vec!["far".to_owned()]));
    folder.write("third.csv", "path,label\n");
    says(&folder.open().unwrap_err().to_string(), &["list.csv", "third.csv"]);
}

#[test]
fn what_no_layout_fits_is_refused_with_all_that_was_looked_for() {
    let folder = Folder::new();
    folder.sounds(&["a.wav"]);
    let error = folder.open().unwrap_err().to_string();
    for layout in Layout::ALL {
        says(&error, &[layout.name()]);
        assert_eq!(layout.name().parse::<Layout>().unwrap(), layout);
    }
    says(&error, &["meta/esc50.csv", "UrbanSound8K.csv", "TinySOL_metadata.csv", "path and label"]);
    let options = DatasetOptions { layout: Some(Layout::Esc50), ..DatasetOptions::default() };
    let error = Dataset::open(folder.path(), &options).unwrap_err().to_string();
    says(&error, &["esc50", "meta/esc50.csv"]);
    let error = Dataset::open(&folder.path().join("b"), &options).unwrap_err().to_string();
    says(&error, &["there is no such folder"]);
    says(&"esc51".parse::<Layout>().unwrap_err().to_string(), &["esc51", "esc50", "folders"]);
    let options = DatasetOptions { subset: Some(Subset::Esc10), ..DatasetOptions::default() };
    folder.sounds(&["dog/a.wav"]);
    says(&Dataset::open(folder.path(), &options).unwrap_err().to_string(), &["esc10", "ESC-50"]);
}
