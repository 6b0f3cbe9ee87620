//! What a person does with a page: go there, look, click, type, press keys, and turn to a frame. Selectors
//! are CSS and mean the frame that was entered last.

use std::path::Path;

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::key::Key;
use serde_json::{Value, json};

use super::{Browser, poll};

impl Browser {
    /// Opens an address and waits until it is loaded. All frames are left.
    pub async fn goto(&self, url: &str) {
        if let Err(error) = self.client.goto(url).await {
            self.fail(&format!("going to {url}: {error}")).await;
        }
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("a page can be loaded again");
    }

    /// The address that the page has now.
    pub async fn url(&self) -> String {
        self.client
            .current_url()
            .await
            .expect("a page has an address")
            .to_string()
    }

    /// Waits for an element to be there, seen or not.
    pub async fn wait_for(&self, css: &str) -> Element {
        match poll(self.wait_max, async || {
            self.client.find(Locator::Css(css)).await.ok()
        })
        .await
        {
            Some(element) => element,
            None => self.fail(&format!("waiting for {css}")).await,
        }
    }

    /// Waits until no element is there, or none to be seen.
    pub async fn wait_until_gone(&self, css: &str) {
        let visible = "const found = document.querySelector(arguments[0]);
            return Boolean(found && found.checkVisibility())";
        let gone = async || (self.run(visible, vec![json!(css)]).await == json!(false)).then_some(());
        if poll(self.wait_max, gone).await.is_none() {
            self.fail(&format!("waiting for {css} to go")).await;
        }
    }

    /// Waits until an element shows this text as a part of its own, and answers all of its text.
    pub async fn wait_for_text(&self, css: &str, part: &str) -> String {
        match poll(self.wait_max, async || {
            self.text_now(css).await.filter(|text| text.contains(part))
        })
        .await
        {
            Some(text) => text,
            None => self.fail(&format!("waiting for \"{part}\" in {css}")).await,
        }
    }

    /// The text of an element as a person sees it.
    pub async fn text(&self, css: &str) -> String {
        match poll(self.wait_max, async || self.text_now(css).await).await {
            Some(text) => text,
            None => self.fail(&format!("reading {css}")).await,
        }
    }

    async fn text_now(&self, css: &str) -> Option<String> {
        let script = "const found = document.querySelector(arguments[0]); return found && found.innerText";
        self.run(script, vec![json!(css)])
            .await
            .as_str()
            .map(str::to_owned)
    }

    /// Clicks an element as soon as it can be clicked.
    pub async fn click(&self, css: &str) {
        let click = async || self.client.find(Locator::Css(css)).await.ok()?.click().await.ok();
        if poll(self.wait_max, click).await.is_none() {
            self.fail(&format!("clicking {css}")).await;
        }
    }

    /// Types into a field as soon as it can be typed into; what it held is cleared.
    pub async fn fill(&self, css: &str, text: &str) {
        let clear = async || {
            let field = self.client.find(Locator::Css(css)).await.ok()?;
            field.clear().await.ok().map(|()| field)
        };
        let Some(field) = poll(self.wait_max, clear).await else {
            self.fail(&format!("filling {css}")).await
        };
        if let Err(error) = field.send_keys(text).await {
            self.fail(&format!("typing into {css}: {error}")).await;
        }
    }

    /// Chooses a file of this machine in a field for one.
    pub async fn choose_file(&self, css: &str, path: &Path) {
        let field = self.wait_for(css).await;
        let path = path.to_str().expect("the tests' folders have plain names");
        if let Err(error) = field.send_keys(path).await {
            self.fail(&format!("choosing a file in {css}: {error}")).await;
        }
    }

    /// Presses a key where the focus is.
    pub async fn press(&self, key: Key) {
        let focus = self.client.active_element().await.expect("a page has a focus");
        if let Err(error) = focus.send_keys(&key.to_string()).await {
            self.fail(&format!("pressing {key:?}: {error}")).await;
        }
    }

    /// Types where the focus is.
    pub async fn type_text(&self, text: &str) {
        let focus = self.client.active_element().await.expect("a page has a focus");
        if let Err(error) = focus.send_keys(text).await {
            self.fail(&format!("typing: {error}")).await;
        }
    }

    /// What has the focus: its id, else its name, else its tag in lower case.
    pub async fn focus(&self) -> String {
        let script = "const on = document.activeElement; return on.id || on.name || on.localName";
        self.run(script, vec![])
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Goes into the frame of this name, seen from the frame that was entered last.
    pub async fn enter_frame(&self, name: &str) {
        let frame = self.wait_for(&format!("iframe[name={name}]")).await;
        if let Err(error) = frame.enter_frame().await {
            self.fail(&format!("entering the frame {name}: {error}")).await;
        }
    }

    /// Leaves all frames and then enters these, from the outside in.
    pub async fn enter_frames(&self, names: &[&str]) {
        self.to_top().await;
        for name in names {
            self.enter_frame(name).await;
        }
    }

    /// Runs a script in the frame that was entered last; `null` when the page is just being replaced.
    pub async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap_or(Value::Null)
    }

    /// Fails the test with what there is to see.
    async fn fail(&self, doing: &str) -> ! {
        let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("failed-{test}.png"));
        let text = self.text_now("body").await.unwrap_or_default();
        let complaints = (self.errors().await, self.violations().await);
        self.screenshot(&picture).await;
        let (url, picture) = (self.url().await, picture.display());
        panic!("{doing}, at {url}\n--- text\n{text}\n--- errors, violations\n{complaints:#?}\n--- {picture}");
    }
}
