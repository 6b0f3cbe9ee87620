//! What a test wants to go wrong: with the next requests that match, and with the next deliveries that match.

use serde_json::{Value, json};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is carried out, and the connection breaks before the answer.
    LoseAnswer,
    /// It is carried out and never answered.
    Hang,
    /// It is not carried out; the 500 is kept under the request's key, as Stripe keeps them.
    Error500,
    /// It is carried out and answered with a 500, which is kept under the key.
    Error500After,
    /// It is not carried out and nothing is kept: the limiter comes first.
    Error429,
    /// It is not carried out and nothing is kept: another request holds the object.
    LockTimeout,
    /// It is carried out; the answer comes so many milliseconds late, and its key is in use until then.
    DelayMs(u64),
}

/// What goes wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEffect {
    /// The first try is lost; it is tried again as after any failure.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives so many milliseconds late.
    DelayMs(i64),
    /// It arrives after all others that are due with it, the latest first.
    Reorder,
}

impl Effect {
    /// What the control API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Effect::LoseAnswer => "lose_answer",
            Effect::Hang => "hang",
            Effect::Error500 => "error500",
            Effect::Error500After => "error500_after",
            Effect::Error429 => "error429",
            Effect::LockTimeout => "lock_timeout",
            Effect::DelayMs(_) => "delay",
        }
    }
}

impl DeliveryEffect {
    /// What the control API calls it.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryEffect::Drop => "drop",
            DeliveryEffect::Duplicate => "duplicate",
            DeliveryEffect::DelayMs(_) => "delay",
            DeliveryEffect::Reorder => "reorder",
        }
    }
}

struct Fault<E> {
    /// The method of a request, or nothing.
    method: Option<String>,
    /// A part of the request's path, or of the event's type.
    part: Option<String>,
    /// A part of the endpoint's URL.
    url: Option<String>,
    effect: E,
    left: u64,
}

/// The faults that are armed, oldest first: the first that matches strikes.
#[derive(Default)]
pub struct Faults {
    requests: Vec<Fault<Effect>>,
    deliveries: Vec<Fault<DeliveryEffect>>,
}

impl Faults {
    /// Strikes the next `count` requests with this method and a path that holds `path`.
    pub fn arm(&mut self, method: Option<String>, path: Option<String>, effect: Effect, count: u64) {
        self.requests.push(Fault {
            method,
            part: path,
            url: None,
            effect,
            left: count,
        });
    }

    /// Strikes the next `count` deliveries of a type that holds `event` to a URL that holds `url`.
    pub fn arm_delivery(
        &mut self,
        event: Option<String>,
        url: Option<String>,
        effect: DeliveryEffect,
        count: u64,
    ) {
        self.deliveries.push(Fault {
            method: None,
            part: event,
            url,
            effect,
            left: count,
        });
    }

    /// No faults any more.
    pub fn clear(&mut self) {
        *self = Faults::default();
    }

    /// What strikes this request, once.
    pub fn request(&mut self, method: &str, path: &str) -> Option<Effect> {
        strike(&mut self.requests, |fault| {
            fault
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && holds(&fault.part, path)
        })
    }

    /// What strikes this delivery, once.
    pub fn delivery(&mut self, event: &str, url: &str) -> Option<DeliveryEffect> {
        strike(&mut self.deliveries, |fault| {
            holds(&fault.part, event) && holds(&fault.url, url)
        })
    }

    /// Each fault that is armed, in words.
    pub fn in_words(&self) -> Vec<String> {
        let on = |fault: &[(&str, &Option<String>)]| -> String {
            let said = fault
                .iter()
                .filter_map(|(name, value)| Some(format!(", {name} {}", value.as_ref()?)));
            said.collect()
        };
        let requests = self.requests.iter().map(|fault| {
            let matching = on(&[("method", &fault.method), ("path with", &fault.part)]);
            format!(
                "{} for requests{matching}: {} left",
                fault.effect.name(),
                fault.left
            )
        });
        let deliveries = self.deliveries.iter().map(|fault| {
            let matching = on(&[("type with", &fault.part), ("url with", &fault.url)]);
            format!(
                "{} for deliveries{matching}: {} left",
                fault.effect.name(),
                fault.left
            )
        });
        requests.chain(deliveries).collect()
    }

    /// How many strikes are left.
    pub fn render(&self) -> Value {
        let requests: u64 = self.requests.iter().map(|fault| fault.left).sum();
        let deliveries: u64 = self.deliveries.iter().map(|fault| fault.left).sum();
        json!({ "requests": requests, "deliveries": deliveries })
    }
}

fn holds(part: &Option<String>, text: &str) -> bool {
    part.as_ref().is_none_or(|part| text.contains(part.as_str()))
}

fn strike<E: Copy>(faults: &mut Vec<Fault<E>>, fits: impl Fn(&Fault<E>) -> bool) -> Option<E> {
    let at = faults.iter().position(fits)?;
    let effect = faults[at].effect;
    faults[at].left = faults[at].left.saturating_sub(1);
    if faults[at].left == 0 {
        faults.remove(at);
    }
    Some(effect)
}
