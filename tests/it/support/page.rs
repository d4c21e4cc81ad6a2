//! What a browser got: the answer, and what a person would see of it.

use scraper::{ElementRef, Html, Selector};
use serde::de::DeserializeOwned;
use url::Url;

use super::raw::Answer;

#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub answer: Answer,
}

/// A form with what it would send if nobody typed anything.
pub struct Form {
    pub action: Url,
    pub is_post: bool,
    pub fields: Vec<(String, String)>,
    /// Boxes that are not ticked, choices that are not taken.
    optional: Vec<String>,
}

impl Page {
    pub fn new(url: Url, answer: Answer) -> Self {
        Self { url, status: answer.status, answer }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.header(name)
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<Url> {
        self.header("location").map(|location| self.url.join(location).expect("a Location that is a URL"))
    }

    pub fn json<T: DeserializeOwned>(&self) -> T {
        self.answer.json()
    }

    /// The words that can be seen, with single spaces.
    pub fn text(&self) -> String {
        words(self.html().root_element())
    }

    pub fn has(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    pub fn title(&self) -> String {
        let html = self.html();
        html.select(&selector("title")).next().map(|title| squeeze(title.text())).unwrap_or_default()
    }

    /// What is said about a field that is marked as wrong.
    pub fn field_error(&self, field: &str) -> Option<String> {
        let html = self.html();
        let input = html.select(&selector(&format!("[name=\"{field}\"]"))).next().expect("a field of that name");
        if input.attr("aria-invalid") != Some("true") {
            return None;
        }
        let described_by = input.attr("aria-describedby").expect("a wrong field says by what it is described");
        let texts = described_by.split_ascii_whitespace().map(|id| {
            let element = html.select(&selector(&format!("[id=\"{id}\"]"))).next();
            words(element.unwrap_or_else(|| panic!("no element has the id {id}")))
        });
        Some(texts.collect::<Vec<_>>().join(" "))
    }

    /// The target of the link with these words.
    pub fn link(&self, text: &str) -> Option<Url> {
        let html = self.html();
        let link = html.select(&selector("a[href]")).find(|link| words(*link) == text)?;
        self.url.join(link.attr("href")?).ok()
    }

    /// The form that goes to this path.
    pub fn form(&self, path: &str) -> Option<Form> {
        let html = self.html();
        html.select(&selector("form")).map(|form| self.read_form(form)).find(|form| form.action.path() == path)
    }

    /// The form that has this field.
    pub fn form_with(&self, field: &str) -> Option<Form> {
        let html = self.html();
        let has = |form: &Form| form.fields.iter().any(|(name, _)| name == field);
        html.select(&selector("form")).map(|form| self.read_form(form)).find(has)
    }

    /// The form that the button with these words sends, to where that button sends it.
    pub fn form_of(&self, button: &str) -> Option<Form> {
        let html = self.html();
        let button = html.select(&selector("button")).find(|found| words(*found) == button)?;
        let around = button.ancestors().filter_map(ElementRef::wrap).find(|parent| parent.value().name() == "form")?;
        let mut form = self.read_form(around);
        if let Some(action) = button.attr("formaction") {
            form.action = self.url.join(action).expect("a formaction that is a URL");
        }
        Some(form)
    }

    fn read_form(&self, form: ElementRef<'_>) -> Form {
        let action = form.attr("action").unwrap_or_default();
        let action = self.url.join(action).expect("an action that is a URL");
        let is_post = form.attr("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
        let mut read = Form { action, is_post, fields: Vec::new(), optional: Vec::new() };
        for control in form.select(&selector("input[name], textarea[name], select[name]")) {
            read.add(control);
        }
        // Enter presses the first button.
        let button = form.select(&selector("button:not([type=button]):not([type=reset])")).next();
        if let Some((name, button)) = button.and_then(|button| Some((button.attr("name")?, button))) {
            read.fields.push((name.to_owned(), button.attr("value").unwrap_or_default().to_owned()));
        }
        read
    }

    fn html(&self) -> Html {
        Html::parse_document(&self.answer.text())
    }
}

impl Form {
    /// Types into a field; a form without it is a failure.
    pub fn fill(&mut self, name: &str, value: &str) {
        if let Some(field) = self.fields.iter_mut().find(|(field, _)| field == name) {
            value.clone_into(&mut field.1);
        } else {
            let shown = self.fields.iter().map(|(name, _)| name).chain(&self.optional).collect::<Vec<_>>();
            assert!(self.optional.iter().any(|field| field == name), "no field {name}; there are {shown:?}");
            self.fields.push((name.to_owned(), value.to_owned()));
        }
    }

    fn add(&mut self, control: ElementRef<'_>) {
        let name = control.attr("name").unwrap_or_default().to_owned();
        if control.attr("disabled").is_some() {
            return;
        }
        match (control.value().name(), control.attr("type").unwrap_or("text")) {
            (_, "submit" | "image" | "button" | "reset" | "file") => {}
            (_, "checkbox" | "radio") if control.attr("checked").is_none() => self.optional.push(name),
            (_, "checkbox" | "radio") => self.fields.push((name, control.attr("value").unwrap_or("on").to_owned())),
            ("textarea", _) => self.fields.push((name, control.text().collect())),
            ("select", _) => self.fields.push((name, chosen(control))),
            _ => self.fields.push((name, control.attr("value").unwrap_or_default().to_owned())),
        }
    }
}

fn chosen(select: ElementRef<'_>) -> String {
    let (all, selected) = (selector("option"), selector("option[selected]"));
    let option = select.select(&selected).next().or_else(|| select.select(&all).next());
    let value = option.map(|option| option.attr("value").map_or_else(|| words(option), str::to_owned));
    value.unwrap_or_default()
}

fn words(element: ElementRef<'_>) -> String {
    let hidden = ["script", "style", "template", "title"];
    let texts = element.descendants().filter_map(|node| {
        let text = node.value().as_text()?;
        let unseen = node
            .ancestors()
            .filter_map(ElementRef::wrap)
            .any(|parent| hidden.contains(&parent.value().name()) || parent.attr("hidden").is_some());
        (!unseen).then_some(&**text)
    });
    squeeze(texts)
}

fn squeeze<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let text: String = texts.collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
