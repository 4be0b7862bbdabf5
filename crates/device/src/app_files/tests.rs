//! What an app can't trick the device into.

use super::*;

fn with_file(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir(dir.path().join("app")).expect("it can be made");
    std::fs::create_dir(dir.path().join("store")).expect("it can be made");
    std::fs::write(dir.path().join("app").join(name), bytes).expect("it can be written");
    dir
}

#[test]
fn urls_are_read_as_they_are_written() {
    for path in ["/a/b.png", "/a b/100%.png", "/ä/#1?.png"] {
        assert_eq!(path_of(&url_of(Path::new(path))).as_deref(), Some(Path::new(path)));
    }
    assert_eq!(path_of("file://localhost/a").as_deref(), Some(Path::new("/a")));
    for other in
        ["https://example.com/a.png", "file://example.com/a", "/a/b.png", "file:a", "", "file:///a%00b"]
    {
        assert_eq!(path_of(other), None, "{other}");
    }
}

#[test]
fn nothing_but_a_regular_file_of_the_directory_is_opened() {
    let dir = with_file("photo.png", b"png");
    let app = dir.path().join("app");
    std::fs::write(dir.path().join("secret"), "s").expect("it can be written");
    std::fs::create_dir(app.join("folder")).expect("it can be made");
    std::os::unix::fs::symlink(dir.path().join("secret"), app.join("link")).expect("it can be made");
    std::os::unix::fs::symlink(dir.path(), app.join("up")).expect("it can be made");
    rustix::fs::mknodat(CWD, app.join("pipe"), FileType::Fifo, Mode::RWXU, 0).expect("it can be made");
    for refused in
        ["link", "up/secret", "../secret", "folder/../photo.png", "folder", "pipe", "none", "", "/"]
    {
        assert!(AppFile::open(&app, Path::new(refused)).is_err(), "{refused}");
    }
    assert_eq!(
        AppFile::open(&app, Path::new("photo.png")).expect("it is one").part(0, 2).expect("it reads"),
        b"pn"
    );
}

#[test]
fn a_moved_file_is_the_same_and_a_copied_one_stays() {
    let dir = with_file("photo.png", b"png");
    let (app, store) = (dir.path().join("app"), dir.path().join("store"));
    let open = || AppFile::open(&app, Path::new("photo.png")).expect("it is there");
    open().put(&store.join("1.png"), false).expect("it is copied");
    assert!(app.join("photo.png").exists());
    let moved = open();
    moved.put(&store.join("2.png"), true).expect("it is moved");
    moved.original(app.clone(), "photo.png".into()).remove().expect("it is taken away");
    assert!(!app.join("photo.png").exists());
    for name in ["1.png", "2.png"] {
        assert_eq!(std::fs::read(store.join(name)).expect("it is there"), b"png");
    }
}

#[test]
fn what_took_the_name_meanwhile_is_left_alone() {
    let dir = with_file("photo.png", b"png");
    let (app, store) = (dir.path().join("app"), dir.path().join("store"));
    let opened = AppFile::open(&app, Path::new("photo.png")).expect("it is there");
    std::fs::remove_file(app.join("photo.png")).expect("it is there");
    std::fs::write(app.join("photo.png"), b"other").expect("it can be written");
    opened.put(&store.join("1.png"), true).expect("it is copied");
    assert_eq!(std::fs::read(store.join("1.png")).expect("it is there"), b"png", "what was looked at");
    opened.original(app.clone(), "photo.png".into()).remove().expect("there is nothing to do");
    assert!(app.join("photo.png").exists());
}

#[test]
fn an_upload_is_there_once_it_is_finished() {
    let dir = with_file("photo.png", b"old");
    let app = dir.path().join("app");
    let mut upload = Upload::begin(&app, Path::new("photo.png")).expect("it begins");
    upload.write(b"new").expect("it is written");
    drop(upload);
    assert_eq!(std::fs::read(app.join("photo.png")).expect("it is there"), b"old");
    let mut upload = Upload::begin(&app, Path::new("a/b/photo.png")).expect("it begins");
    upload.write(b"new").expect("it is written");
    upload.finish().expect("it is finished");
    assert_eq!(std::fs::read(app.join("a/b/photo.png")).expect("it is there"), b"new");
    assert_eq!(
        used(&app, 100),
        (used(&app.join("a"), 100).0 + std::fs::metadata(app.join("a")).expect("it is there").len() + 3, 4)
    );
    assert!(Upload::begin(&app, Path::new("../up.png")).is_err());
}
