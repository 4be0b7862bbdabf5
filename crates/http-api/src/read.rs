//! How requests are read: bodies, queries and paths as typed values. What is wrong with one is said as a problem document
//! that names the key and the place.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::structures::FromObjects;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// Longest body, in bytes: told to who sent a longer one.
#[derive(Clone, Copy, Debug)]
pub struct Longest(pub(crate) usize);

/// A JSON body, whatever its `Content-Type` says.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A body as its bytes.
#[derive(Debug)]
pub struct Raw(pub Bytes);

/// What stands after the `?`.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The variable parts of a path.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// Reads a JSON object; what is wrong with it is 400 and says where, with the member `field` if it is about one.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde would take a list for a structure, too.
    match bytes.trim_ascii_start().first() {
        None => return Err(Problem::invalid("the body is empty: a JSON object is wanted here".to_owned())),
        Some(b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => {
            return Err(Problem::invalid("the body is no JSON object: one is wanted here".to_owned()));
        }
        Some(_) => {}
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(FromObjects(&mut reader)).map_err(|error| {
        let (place, words) = (error.path().to_string(), error.inner().to_string());
        let place = Some(place).filter(|place| place != "." && place != "?");
        let at = place.as_ref().map_or_else(String::new, |place| format!(" at `{place}`"));
        let problem = Problem::invalid(format!("the body isn't the JSON that is wanted here{at}: {words}"));
        about(problem, place.as_deref(), &words)
    })?;
    reader.end().map_err(|error| {
        Problem::invalid(format!("the body has more than the one JSON value that is wanted here: {error}"))
    })?;
    Ok(read)
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        const TITLE: &str = "The request's body can't be read";
        let longest = request.extensions().get::<Longest>().copied();
        let read = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, state)).await;
        let Ok(read) = read else {
            let seconds = BODY_WITHIN.as_secs();
            let detail = format!("the body didn't arrive within {seconds} seconds: send it at once");
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, TITLE, detail));
        };
        read.map(Self).map_err(|error| {
            let mut detail = error.body_text();
            if let Some(Longest(longest)) = longest {
                detail.push_str(&format!("; at most {longest} bytes are taken"));
            }
            Problem::new(error.status(), TITLE, detail)
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        from_json(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(read)) => Ok(Self(read)),
            Err(error) => Err(unusable("query", &error.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(read)) => Ok(Self(read)),
            Err(error) if error.status().is_client_error() => Err(unusable("path", &error.body_text())),
            Err(error) => {
                let detail = error.body_text();
                Err(Problem::new(error.status(), "The path can't be read", detail))
            }
        }
    }
}

/// Says which field a problem is about: the one that the reader was at, or that its words name as missing or unknown.
fn about(problem: Problem, at: Option<&str>, words: &str) -> Problem {
    let beginnings = ["missing field `", "unknown field `"];
    let named = beginnings.iter().find_map(|beginning| words.strip_prefix(beginning));
    let named = named.and_then(|rest| rest.split('`').next());
    let field = match (at, named) {
        (Some(at), Some(named)) if at != named && !at.ends_with(&format!(".{named}")) => {
            format!("{at}.{named}")
        }
        (Some(at), _) => at.to_owned(),
        (None, Some(named)) => named.to_owned(),
        (None, None) => return problem,
    };
    problem.with("field", field)
}

/// The library's words without how they begin.
fn unusable(part: &str, words: &str) -> Problem {
    let words = ["Failed to deserialize query string: ", "Invalid URL: "]
        .into_iter()
        .find_map(|beginning| words.strip_prefix(beginning))
        .unwrap_or(words);
    let problem = Problem::invalid(format!("the {part} can't be used: {words}"));
    // Of a query, what is wrong comes behind the name of the parameter.
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let at = words.split_once(": ").map(|(name, _)| name).filter(|name| part == "query" && is_name(name));
    about(problem, at, words)
}

#[cfg(test)]
mod tests;
