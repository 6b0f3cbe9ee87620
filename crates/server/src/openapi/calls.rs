//! The calls as `calls.txt` describes them.

use std::sync::LazyLock;

/// Calls that belong together.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    /// What they are about.
    pub title: &'static str,
    /// In a sentence or two.
    pub about: String,
    /// The calls, in the order in which their examples run.
    pub calls: Vec<Call>,
}

/// One verb of one address.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: &'static str,
    /// The address as the table of routes has it.
    pub path: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// What is to be known of it.
    pub about: String,
    /// Its query as an object of the notation; empty without one.
    pub query: &'static str,
    /// What is sent, by its type; empty without one.
    pub body: &'static str,
    /// What is answered when it is done.
    pub answers: Vec<Answer>,
    /// By which statuses it may be refused that calls of its kind are not refused by.
    pub refused: Vec<u16>,
    /// How it is tried.
    pub example: Example,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What is in it.
    pub content: Content,
}

/// What is in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing that counts.
    None,
    /// JSON of a type.
    Json(&'static str),
    /// A file of a media type.
    File(&'static str),
}

/// How a call is tried.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// The query, with variables of the shell.
    pub query: &'static str,
    /// The body, likewise.
    pub body: &'static str,
    /// What stands in the path: a name there, and the variable.
    pub path: Vec<(&'static str, &'static str)>,
    /// The variable of the key, where it is not the one that the route asks for; `none` for no key.
    pub key: &'static str,
    /// The status, where it is not the first answer's.
    pub status: Option<u16>,
}

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| read(include_str!("calls.txt")));

/// All calls, by topic.
pub fn topics() -> &'static [Topic] {
    &TOPICS
}

fn read(text: &'static str) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(title) = line.strip_prefix("## ") {
            topics.push(Topic {
                title,
                ..Topic::default()
            });
            continue;
        }
        let Some(topic) = topics.last_mut() else { continue };
        let verb = line.split_once(' ').filter(|(_, path)| path.starts_with('/'));
        match (verb, topic.calls.last_mut()) {
            (Some((method, path)), _) => topic.calls.push(Call {
                method,
                path,
                ..Call::default()
            }),
            (None, Some(call)) => call.line(line),
            (None, None) => add(&mut topic.about, line),
        }
    }
    topics
}

fn add(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(line);
}

impl Call {
    fn line(&mut self, line: &'static str) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "=" => self.title = rest,
            "?" => self.query = rest,
            "<" => self.body = rest,
            "!" => self.refused.extend(rest.parse::<u16>()),
            ">" => self.answers.push(answer(rest)),
            "&" => self.example.query = rest,
            "$" => self.example.body = rest,
            "@" => self.example.path = rest.split(' ').filter_map(|pair| pair.split_once('=')).collect(),
            "key" => self.example.key = rest,
            "example" => self.example.status = rest.parse().ok(),
            _ => add(&mut self.about, line),
        }
    }

    /// What the example answers.
    pub fn example_status(&self) -> u16 {
        let first = self.answers.first().map_or(200, |answer| answer.status);
        self.example.status.unwrap_or(first)
    }

    /// A name for programs: `post_clients_id`.
    pub fn operation_id(&self) -> String {
        let path = self.path.trim_start_matches("/api/");
        let word = |c: char| match c {
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        };
        let path: String = path.replace(['{', '}'], "").chars().map(word).collect();
        format!("{}_{path}", self.method.to_lowercase())
    }

    /// An anchor on the page.
    pub fn anchor(&self) -> String {
        self.operation_id().replace('_', "-")
    }
}

fn answer(text: &'static str) -> Answer {
    let (status, content) = text.split_once(' ').unwrap_or((text, ""));
    Answer {
        status: status.parse().unwrap_or_else(|_| panic!("no status: {text}")),
        content: match content {
            "" => Content::None,
            file if file.contains('/') => Content::File(file),
            json => Content::Json(json),
        },
    }
}
