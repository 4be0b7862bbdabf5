//! Files in an app's container, put there as the app would write them, and those of its attachments. So an app that is
//! driven through the API has something to attach. What may be attached is decided by the notification center.

use std::path::PathBuf;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use futures_util::stream::try_unfold;
use homing_http_api::Path;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::app_files::{self, AppFile, Upload};

/// Longest file, in bytes: more than any attachment may have, so that one that is too large can be tried.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The most that an app's container may hold when another file is put there: as much as a backup takes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const MAX_FILES: usize = 10_000;
/// Of a file that is read, this much is in memory at a time, in bytes.
const PART: usize = 64 * 1024;
/// Longest path, in bytes.
const MAX_PATH: usize = 1024;
/// Files that are written or read at a time.
static ROOM: Semaphore = Semaphore::const_new(8);
/// How long a file may take to arrive.
const WITHIN: Duration = Duration::from_secs(60);

type Place = Path<(String, String, String)>;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/devices/{device}/apps/{app}/files/{*path}", get(read).put(write).delete(remove))
        .route("/v1/devices/{device}/apps/{app}/attachments/{name}", get(attachment))
}

/// A file that was put into an app's container.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileView {
    /// What an attachment names.
    url: String,
    bytes: u64,
}

/// Put a file into the app's container, as the app would write it; its URL is what an attachment names
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/files/{path}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path),
        ("path" = String, Path, description = "below the container; may have several parts")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "at most 64 MiB"),
    responses((status = 200, body = FileView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn write(
    State(api): State<Api>,
    Path((device, app, path)): Place,
    request: Request,
) -> Result<Json<FileView>, Problem> {
    let _room = room()?;
    let container = container(&api, &device, app).await?;
    let path = relative(&path)?;
    let (root, relative) = (container.clone(), path.clone());
    let begin = move || {
        let (bytes, files) = app_files::used(&root, MAX_FILES);
        if bytes > MAX_BYTES || files >= MAX_FILES {
            let detail =
                format!("an app's container holds at most {MAX_FILES} files and 256 MiB: remove some");
            return Err(Problem::new(StatusCode::CONFLICT, "There is no room for the file", detail));
        }
        Upload::begin(&root, &relative).map_err(|error| unusable(&error))
    };
    let upload = blocking(begin).await?;
    let arrived = tokio::time::timeout(WITHIN, receive(upload, request)).await;
    let bytes = arrived.unwrap_or_else(|_| {
        let detail = format!("the file didn't arrive within {} seconds: send it at once", WITHIN.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The request's body can't be read", detail))
    })?;
    Ok(Json(FileView { url: app_files::url_of(&container.join(path)), bytes }))
}

async fn receive(mut upload: Upload, request: Request) -> Result<u64, Problem> {
    let mut body = request.into_body().into_data_stream();
    let mut bytes = 0;
    while let Some(chunk) = body.next().await {
        let chunk: Bytes = chunk.map_err(|error| Problem::invalid(format!("the file broke off: {error}")))?;
        bytes += chunk.len() as u64;
        if bytes > MAX_FILE {
            let detail = format!("a file has at most {MAX_FILE} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The file is too large", detail));
        }
        upload = blocking(move || match upload.write(&chunk) {
            Ok(()) => Ok(upload),
            Err(error) => Err(unusable(&error)),
        })
        .await?;
    }
    blocking(move || upload.finish().map_err(|error| unusable(&error))).await?;
    Ok(bytes)
}

/// A file of the app's container
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/files/{path}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem)))]
pub(super) async fn read(
    State(api): State<Api>,
    Path((device, app, path)): Place,
) -> Result<Response, Problem> {
    let container = container(&api, &device, app).await?;
    bytes_of(container, relative(&path)?).await
}

/// Remove a file of the app's container
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/files/{path}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("path" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(api): State<Api>,
    Path((device, app, path)): Place,
) -> Result<StatusCode, Problem> {
    let container = container(&api, &device, app).await?;
    let path = relative(&path)?;
    blocking(move || {
        let file = AppFile::open(&container, &path).map_err(|_| no_file())?;
        file.remove().map_err(|error| unusable(&error))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file of an attachment, by the last part of its URL
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/attachments/{name}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem)))]
pub(super) async fn attachment(
    State(api): State<Api>,
    Path((device, app, name)): Place,
) -> Result<Response, Problem> {
    let store = api.device(&device).await?.ask(move |phone| Ok(phone.attachments_dir(&app))).await?;
    bytes_of(store, relative(&name)?).await
}

async fn bytes_of(root: PathBuf, path: PathBuf) -> Result<Response, Problem> {
    let room = room()?;
    let opened =
        move || AppFile::open(&root, &path).ok().filter(|file| file.len() <= MAX_FILE).ok_or_else(no_file);
    let file = blocking(opened).await?;
    let length = file.len();
    // It keeps its place until the last of it is on its way.
    let parts = try_unfold((file, 0, room), move |(file, from, room)| async move {
        if from == length {
            return Ok(None);
        }
        let most = usize::try_from(length - from).unwrap_or(PART).min(PART);
        let read = move || file.part(from, most).map(|part| (part, file));
        let (part, file) = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)??;
        if part.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        let next = from + part.len() as u64;
        Ok(Some((part, (file, next, room))))
    });
    let head = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, length.to_string())];
    Ok((head, Body::from_stream(parts)).into_response())
}

async fn container(api: &Api, device: &str, app: String) -> Result<PathBuf, Problem> {
    Ok(api.device(device).await?.ask(move |phone| Ok(phone.files_dir(&app))).await?)
}

fn room() -> Result<tokio::sync::SemaphorePermit<'static>, Problem> {
    ROOM.try_acquire().map_err(|_| {
        let detail = "8 files are on their way already: try again when one has arrived".to_owned();
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many files at a time", detail).after_seconds(1)
    })
}

fn relative(path: &str) -> Result<PathBuf, Problem> {
    if path.is_empty() || path.len() > MAX_PATH || path.contains('\0') {
        return Err(Problem::invalid(format!("a file's path has 1 to {MAX_PATH} bytes, and no NUL")));
    }
    Ok(PathBuf::from(path))
}

fn no_file() -> Problem {
    Problem::not_found(
        "no such regular file of at most 64 MiB is there: an attached one was moved".to_owned(),
    )
}

fn unusable(error: &std::io::Error) -> Problem {
    use rustix::io::Errno;
    let is_of_disk = [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS, Errno::MFILE, Errno::NFILE];
    if Errno::from_io_error(error).is_some_and(|number| is_of_disk.contains(&number)) {
        return Problem::broken(format!("the file can't be written or removed: {error}"));
    }
    Problem::invalid(format!("the file can't be written or removed: {error}: use a path of plain names"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Problem::broken("the device is going down".to_owned())))
}
