//! Attachments (*UNNotificationAttachment*): which files may be one, how large, and with which code one is refused.
//! Files are looked at, moved and removed by the device; what it found comes with the attachment.

use serde::{Deserialize, Serialize};

use crate::app::{App, WaitingCall};
use crate::{Center, Notification, NotificationContent, RequestError};

/// How many a notification may have. Apple names no number.
pub const MAX_ATTACHMENTS: usize = 16;

/// *UNNotificationAttachment*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Unique in its notification.
    pub identifier: String,
    /// A `file:` URL: of the app's file when it comes, in the device's store once it is taken.
    pub url: String,
    /// The type it was taken for; empty until then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub type_identifier: String,
    #[serde(default, skip_serializing_if = "AttachmentOptions::is_empty")]
    pub options: AttachmentOptions,
    /// What the device found; nothing once it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundFile>,
}

/// The options of *init(identifier:url:options:)*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttachmentOptions {
    /// *UNNotificationAttachmentOptionsTypeHintKey*: a uniform type identifier, instead of the file's extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_hint: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail_hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_clipping_rect: Option<ClippingRect>,
    /// Seconds into a movie, or the number of a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_time: Option<f64>,
}

/// A part of the picture: 0 to 1 in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClippingRect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// What the device found where the URL points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum FoundFile {
    /// No regular file that the app may give.
    Missing,
    /// The URL is one of the store, where there is no such file of the app's any more.
    NotInDataStore,
    File {
        bytes: u64,
        /// What it begins as: [`FileFormat::sniff`].
        format: Option<FileFormat>,
        /// Where it is in the store; `None` if it couldn't be put there.
        stored: Option<String>,
    },
}

/// How a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    Aiff,
    Wav,
    Mp3,
    /// With sound or pictures: the beginning doesn't say.
    Mpeg4,
    Jpeg,
    Gif,
    Png,
    /// MPEG-1 or MPEG-2.
    Mpeg,
    Avi,
}

/// What is wrong with an attachment (*UNError.Code*, 100 to 105).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AttachmentFault {
    #[error(
        "its URL names no file of the app: give the file: URL of a regular file in the app's container or bundle"
    )]
    InvalidUrl,
    #[error(
        "its type isn't supported: give AIFF, WAV, MP3, MPEG-4, JPEG, GIF, PNG, MPEG, MPEG-2 or AVI, with that extension or as type_hint"
    )]
    UnrecognizedType,
    #[error("it is too large: audio may have 5 MB, an image 10 MB, a movie 50 MB")]
    InvalidFileSize,
    #[error("it is no more in the data store: attach the file again")]
    NotInDataStore,
    #[error(
        "it couldn't be moved into the data store: the app's attachments fill it, or the device's disk is full"
    )]
    MoveIntoDataStoreFailed,
    #[error("it doesn't begin as a file of its type: write it whole, or name its true type")]
    Corrupt,
}

/// The types that are supported, by their uniform type identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttachmentType {
    Aiff,
    Wav,
    Mp3,
    Mpeg4Audio,
    Jpeg,
    Gif,
    Png,
    Mpeg,
    Mpeg2Video,
    Mpeg4,
    Avi,
}

/// What a type is, which has its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Medium {
    Audio,
    Image,
    Movie,
}

impl Medium {
    /// The most bytes of one file.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Audio => 5_000_000,
            Self::Image => 10_000_000,
            Self::Movie => 50_000_000,
        }
    }
}

impl AttachmentType {
    pub const ALL: [Self; 11] = [
        Self::Aiff,
        Self::Wav,
        Self::Mp3,
        Self::Mpeg4Audio,
        Self::Jpeg,
        Self::Gif,
        Self::Png,
        Self::Mpeg,
        Self::Mpeg2Video,
        Self::Mpeg4,
        Self::Avi,
    ];

    pub const fn identifier(self) -> &'static str {
        match self {
            Self::Aiff => "public.aiff-audio",
            Self::Wav => "com.microsoft.waveform-audio",
            Self::Mp3 => "public.mp3",
            Self::Mpeg4Audio => "public.mpeg-4-audio",
            Self::Jpeg => "public.jpeg",
            Self::Gif => "com.compuserve.gif",
            Self::Png => "public.png",
            Self::Mpeg => "public.mpeg",
            Self::Mpeg2Video => "public.mpeg-2-video",
            Self::Mpeg4 => "public.mpeg-4",
            Self::Avi => "public.avi",
        }
    }

    const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Aiff => &["aiff", "aif"],
            Self::Wav => &["wav", "wave"],
            Self::Mp3 => &["mp3"],
            Self::Mpeg4Audio => &["m4a"],
            Self::Jpeg => &["jpg", "jpeg", "jpe"],
            Self::Gif => &["gif"],
            Self::Png => &["png"],
            Self::Mpeg => &["mpg", "mpeg", "mpe"],
            Self::Mpeg2Video => &["m2v", "mp2v"],
            Self::Mpeg4 => &["mp4"],
            Self::Avi => &["avi"],
        }
    }

    /// The extension that a file of this type has in the store.
    pub const fn extension(self) -> &'static str {
        self.extensions()[0]
    }

    pub const fn medium(self) -> Medium {
        match self {
            Self::Aiff | Self::Wav | Self::Mp3 | Self::Mpeg4Audio => Medium::Audio,
            Self::Jpeg | Self::Gif | Self::Png => Medium::Image,
            Self::Mpeg | Self::Mpeg2Video | Self::Mpeg4 | Self::Avi => Medium::Movie,
        }
    }

    fn of_identifier(identifier: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.identifier() == identifier)
    }

    fn of_extension(extension: &str) -> Option<Self> {
        let is = |known: &&str| known.eq_ignore_ascii_case(extension);
        Self::ALL.into_iter().find(|kind| kind.extensions().iter().any(is))
    }
}

impl FileFormat {
    /// How much of a file says how it begins, in bytes.
    pub const HEAD: usize = 16;

    /// Of a file's first bytes.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let at = |from: usize, word: &[u8]| head.get(from..from + word.len()) == Some(word);
        if at(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if at(0, &[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
            Some(Self::Gif)
        } else if at(0, b"RIFF") && at(8, b"WAVE") {
            Some(Self::Wav)
        } else if at(0, b"RIFF") && at(8, b"AVI ") {
            Some(Self::Avi)
        } else if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
            Some(Self::Aiff)
        } else if at(4, b"ftyp") {
            Some(Self::Mpeg4)
        } else if at(0, &[0, 0, 1, 0xba]) || at(0, &[0, 0, 1, 0xb3]) {
            Some(Self::Mpeg)
        } else if at(0, b"ID3") || is_mp3_frame(head) {
            Some(Self::Mp3)
        } else {
            None
        }
    }

    const fn may_be(self, medium: Medium) -> bool {
        match self {
            Self::Aiff | Self::Wav | Self::Mp3 => matches!(medium, Medium::Audio),
            Self::Mpeg4 => matches!(medium, Medium::Audio | Medium::Movie),
            Self::Jpeg | Self::Gif | Self::Png => matches!(medium, Medium::Image),
            Self::Mpeg | Self::Avi => matches!(medium, Medium::Movie),
        }
    }
}

/// The sync word of a frame of MPEG audio, layer III.
const fn is_mp3_frame(head: &[u8]) -> bool {
    head.len() > 1 && head[0] == 0xff && head[1] & 0xe6 == 0xe2
}

impl AttachmentFault {
    /// The code in `UNErrorDomain`.
    pub const fn code(self) -> u32 {
        match self {
            Self::InvalidUrl => 100,
            Self::UnrecognizedType => 101,
            Self::InvalidFileSize => 102,
            Self::NotInDataStore => 103,
            Self::MoveIntoDataStoreFailed => 104,
            Self::Corrupt => 105,
        }
    }
}

impl AttachmentOptions {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn are_in_range(&self) -> bool {
        let rect = self.thumbnail_clipping_rect.is_none_or(|rect| {
            let within = |from: f64, len: f64| from >= 0.0 && len > 0.0 && from + len <= 1.0;
            within(rect.x, rect.width) && within(rect.y, rect.height)
        });
        rect && self.thumbnail_time.is_none_or(|time| time.is_finite() && time >= 0.0)
    }
}

impl Attachment {
    /// Whether a file of this size and beginning may be it, and as what. Nothing is said of the store.
    pub fn check_file(
        &self,
        bytes: u64,
        format: Option<FileFormat>,
    ) -> Result<AttachmentType, AttachmentFault> {
        let name = self.url.rsplit('/').next().unwrap_or_default();
        let kind = match &self.options.type_hint {
            Some(hint) => AttachmentType::of_identifier(hint),
            None => name.rsplit_once('.').and_then(|(_, extension)| AttachmentType::of_extension(extension)),
        };
        let kind = kind.ok_or(AttachmentFault::UnrecognizedType)?;
        if bytes > kind.medium().limit() {
            return Err(AttachmentFault::InvalidFileSize);
        }
        if !format.is_some_and(|format| format.may_be(kind.medium())) {
            return Err(AttachmentFault::Corrupt);
        }
        Ok(kind)
    }

    /// Takes it in as it was found: from now on it is what lies in the store.
    fn take_in(&mut self) -> Result<(), AttachmentFault> {
        match self.found.take() {
            None | Some(FoundFile::Missing) => Err(AttachmentFault::InvalidUrl),
            Some(FoundFile::NotInDataStore) => Err(AttachmentFault::NotInDataStore),
            Some(FoundFile::File { bytes, format, stored }) => {
                let kind = self.check_file(bytes, format)?;
                self.url = stored.ok_or(AttachmentFault::MoveIntoDataStoreFailed)?;
                self.type_identifier = kind.identifier().to_owned();
                Ok(())
            }
        }
    }

    fn check_words(&self, others: &[Self]) -> Result<(), RequestError> {
        let identifier = self.identifier.clone();
        if identifier.is_empty() || others.iter().any(|other| other.identifier == identifier) {
            return Err(RequestError::AttachmentIdentifier { identifier });
        }
        if !self.options.are_in_range() {
            return Err(RequestError::AttachmentOptions { identifier });
        }
        Ok(())
    }
}

impl NotificationContent {
    /// All of a local request must be right.
    pub(crate) fn take_in_attachments(&mut self) -> Result<(), RequestError> {
        if self.attachments.len() > MAX_ATTACHMENTS {
            return Err(RequestError::TooManyAttachments { max: MAX_ATTACHMENTS });
        }
        for at in 0..self.attachments.len() {
            let (before, rest) = self.attachments.split_at_mut(at);
            let Some(attachment) = rest.first_mut() else { break };
            attachment.check_words(before)?;
            let identifier = attachment.identifier.clone();
            attachment.take_in().map_err(|fault| RequestError::Attachment { identifier, fault })?;
        }
        Ok(())
    }

    /// Of what a service extension attached, those that are right.
    pub(crate) fn keep_good_attachments(&mut self) {
        let mut good: Vec<Attachment> = Vec::new();
        for mut attachment in std::mem::take(&mut self.attachments) {
            let is_good = attachment.check_words(&good).is_ok() && attachment.take_in().is_ok();
            if is_good && good.len() < MAX_ATTACHMENTS {
                good.push(attachment);
            }
        }
        self.attachments = good;
    }
}

impl Center {
    /// The attachments of an app that anything still refers to: what waits, is shown, or is being handled.
    pub fn attachments(&self, bundle: &str) -> impl Iterator<Item = &Attachment> {
        let contents = self.apps.get(bundle).into_iter().flat_map(|app| app.contents());
        contents.flat_map(|content| &content.attachments)
    }

    /// Gives each attachment of an app the URL that its file has now: the device's files were moved, or these come from
    /// a backup.
    pub fn relocate_attachments(&mut self, bundle: &str, url: impl Fn(&str) -> Option<String>) {
        let contents = self.apps.get_mut(bundle).into_iter().flat_map(|app| app.contents_mut());
        for attachment in contents.flat_map(|content| &mut content.attachments) {
            if let Some(url) = url(&attachment.url) {
                attachment.url = url;
            }
        }
    }
}

impl App {
    fn contents(&self) -> impl Iterator<Item = &NotificationContent> {
        let on_screen = self.delivered.iter().chain(&self.transient).map(|delivered| &delivered.notification);
        let collected = self.collected.iter().map(|collected| &collected.notification);
        let presenting = self.process.presenting.iter().map(|presenting| &presenting.notification);
        let waiting = self.process.waiting.iter().filter_map(|waiting| waiting.call.notification());
        let responding = self.process.responding.iter().map(|responding| &responding.notification);
        let notifications = on_screen.chain(collected).chain(presenting).chain(waiting).chain(responding);
        let pending = self.pending.iter().map(|pending| &pending.request);
        notifications.map(|notification| &notification.request).chain(pending).map(|request| &request.content)
    }

    fn contents_mut(&mut self) -> impl Iterator<Item = &mut NotificationContent> {
        let on_screen = self.delivered.iter_mut().chain(&mut self.transient);
        let on_screen = on_screen.map(|delivered| &mut delivered.notification);
        let collected = self.collected.iter_mut().map(|collected| &mut collected.notification);
        let presenting = self.process.presenting.iter_mut().map(|presenting| &mut presenting.notification);
        let waiting = self.process.waiting.iter_mut().filter_map(|waiting| waiting.call.notification_mut());
        let responding = self.process.responding.iter_mut().map(|responding| &mut responding.notification);
        let notifications = on_screen.chain(collected).chain(presenting).chain(waiting).chain(responding);
        let pending = self.pending.iter_mut().map(|pending| &mut pending.request);
        let requests = notifications.map(|notification| &mut notification.request).chain(pending);
        requests.map(|request| &mut request.content)
    }
}

impl WaitingCall {
    fn notification(&self) -> Option<&Notification> {
        match self {
            Self::DidReceive(response) => Some(&response.notification),
            Self::OpenSettings(notification) => notification.as_deref(),
            Self::DidReceiveRemoteNotification(_) => None,
        }
    }

    fn notification_mut(&mut self) -> Option<&mut Notification> {
        match self {
            Self::DidReceive(response) => Some(&mut response.notification),
            Self::OpenSettings(notification) => notification.as_deref_mut(),
            Self::DidReceiveRemoteNotification(_) => None,
        }
    }
}
