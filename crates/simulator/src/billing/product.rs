//! Products: what is sold. A deleted one is no longer found; its id may be given again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::tax_code;
use super::{Deletable, living, price, price_form, prices};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::list;
use crate::state::{Object, Shown, Space, State};

const IMAGES_MAX: usize = 8;
const FEATURES_MAX: usize = 15;
/// Stripe keeps at most this many characters of a product's name.
const NAME_MAX: usize = 250;

/// A product.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// `prod_…`, or chosen.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// When it was last changed, in seconds.
    pub updated: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether it can be bought.
    pub active: bool,
    /// Whether it is a good, and not a service.
    pub good: bool,
    /// Name.
    pub name: String,
    /// The price it is usually sold at.
    pub default_price: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// Pictures.
    pub images: Vec<String>,
    /// What is said in its favour.
    pub features: Vec<String>,
    /// Height, length, weight and width.
    pub package: Option<Box<[Decimal; 4]>>,
    /// Whether it is sent in a parcel.
    pub shippable: Option<bool>,
    /// What stands on the card's statement.
    pub statement_descriptor: Option<String>,
    /// How it is taxed.
    pub tax_code: Option<String>,
    /// What a unit of it is called.
    pub unit_label: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// Whether it only stands for what is billed by amounts; such a one is not listed.
    #[serde(default)]
    pub adhoc: bool,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

const SIDES: [&str; 4] = ["height", "length", "weight", "width"];

impl Product {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "product", "deleted": true });
        }
        let package = self.package.as_ref().map(|sides| {
            let named = SIDES.into_iter().zip(sides.iter());
            Value::Object(named.map(|(name, side)| (name.into(), side.number())).collect())
        });
        let features: Vec<Value> = self.features.iter().map(|name| json!({ "name": name })).collect();
        json!({
            "id": self.id, "object": "product", "active": self.active, "created": self.created,
            "default_price": self.default_price, "description": self.description,
            "images": self.images, "livemode": self.space.livemode, "marketing_features": features,
            "metadata": self.metadata, "name": self.name, "package_dimensions": package,
            "shippable": self.shippable, "statement_descriptor": self.statement_descriptor,
            "tax_code": self.tax_code, "tax_details": null,
            "type": if self.good { "good" } else { "service" },
            "unit_label": self.unit_label, "updated": self.updated, "url": self.url,
        })
    }

    /// A product that was not made yet.
    fn blank(state: &State, space: &Space) -> Product {
        Product {
            space: space.clone(),
            created: state.now_s(),
            updated: state.now_s(),
            active: true,
            ..Product::default()
        }
    }

    /// A service with a name.
    pub fn named(state: &State, space: &Space, id: String, name: &str) -> Product {
        Product {
            id,
            name: name.to_owned(),
            ..Product::blank(state, space)
        }
    }

    /// Reads what a product given with a price or a plan may say, too.
    fn change_basics(&mut self, params: &mut Params) -> Result<(), ApiError> {
        self.active = params.boolean("active")?.unwrap_or(self.active);
        params
            .update("statement_descriptor")?
            .apply(&mut self.statement_descriptor);
        params.update("unit_label")?.apply(&mut self.unit_label);
        let code = params.update("tax_code")?;
        if let Update::Set(code) = &code {
            tax_code::check(code)?;
        }
        code.apply(&mut self.tax_code);
        params.metadata()?.apply(&mut self.metadata)
    }

    /// Reads what create and update share.
    fn change(&mut self, params: &mut Params) -> Result<(), ApiError> {
        if let Some(name) = params.text("name")? {
            self.name = checked_name(name)?;
        }
        params.update("description")?.apply(&mut self.description);
        params.update("url")?.apply(&mut self.url);
        self.shippable = params.boolean("shippable")?.or(self.shippable);
        if let Some(images) = params.texts("images")? {
            if images.len() > IMAGES_MAX {
                let message = format!("Array images exceeded maximum {IMAGES_MAX} allowed elements.");
                return Err(ApiError::invalid(message).param("images"));
            }
            self.images = images;
        }
        if let Some(features) = params.maps("marketing_features")? {
            if features.len() > FEATURES_MAX {
                let message =
                    format!("Array marketing_features exceeded maximum {FEATURES_MAX} allowed elements.");
                return Err(ApiError::invalid(message).param("marketing_features"));
            }
            self.features = features.into_iter().map(feature).collect::<Result<_, _>>()?;
        }
        if let Some(sides) = params.map("package_dimensions")? {
            self.package = Some(package(sides)?);
        }
        self.change_basics(params)
    }
}

fn checked_name(name: String) -> Result<String, ApiError> {
    if name.chars().count() > NAME_MAX {
        let message = format!("Invalid string: name must be at most {NAME_MAX} characters");
        return Err(ApiError::invalid(message).param("name"));
    }
    Ok(name)
}

fn feature(mut params: Params) -> Result<String, ApiError> {
    let name = params.required("name")?;
    params.finish()?;
    Ok(name)
}

fn package(mut params: Params) -> Result<Box<[Decimal; 4]>, ApiError> {
    let mut sides = [Decimal::default(); 4];
    for (name, side) in SIDES.into_iter().zip(&mut sides) {
        let given = Decimal::read(&mut params, name)?;
        *side = given.ok_or_else(|| ApiError::missing(&format!("package_dimensions[{name}]")))?;
    }
    params.finish()?;
    Ok(Box::new(sides))
}

impl Shown for Product {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[("default_price", "price")];
    const CHOSEN_ID: bool = true;

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

impl Deletable for Product {
    fn is_deleted(&self) -> bool {
        self.deleted
    }
}

/// A product that a request for something else makes along the way, not yet made.
#[derive(Debug)]
pub struct Draft {
    product: Box<Product>,
}

impl Draft {
    /// Reads a `product_data[…]` or a plan's `product[…]`.
    ///
    /// # Errors
    /// 400 when it has no name or its id is taken.
    pub fn read(state: &State, space: &Space, mut params: Params) -> Result<Draft, ApiError> {
        let mut product = Box::new(Product::blank(state, space));
        product.id = chosen_id(state, space, &mut params)?;
        product.name = checked_name(params.required("name")?)?;
        product.change_basics(&mut params)?;
        params.finish()?;
        Ok(Draft { product })
    }

    /// Makes it.
    pub fn made(self, state: &mut State, cause: &Cause) -> Arc<Product> {
        let mut product = self.product;
        if product.id.is_empty() {
            product.id = state.id("prod_", 14);
        }
        announced(state, cause, *product)
    }
}

/// The id that the caller chose, still free; empty when none was.
fn chosen_id(state: &State, space: &Space, params: &mut Params) -> Result<String, ApiError> {
    let id = params.text("id")?.unwrap_or_default();
    if !id.is_empty() && living::<Product>(state, space, &id, "id").is_ok() {
        return Err(super::taken("Product", "id"));
    }
    Ok(id)
}

fn announced(state: &mut State, cause: &Cause, product: Product) -> Arc<Product> {
    let product = state.put(product);
    let object = Object::Product(Arc::clone(&product));
    event::emit(state, cause, "product.created", object, None);
    product
}

/// `POST /v1/products`, with a first price when `default_price_data` describes one.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let mut product = Product::blank(state, &ctx.space);
    product.id = chosen_id(state, &ctx.space, &mut params)?;
    product.name = checked_name(params.required("name")?)?;
    let kind = params.choice("type", &["good", "service"])?;
    product.change(&mut params)?;
    let physical = product.shippable == Some(true) || product.package.is_some();
    product.good = kind.map_or(physical, |kind| kind == "good");
    let price = params
        .map("default_price_data")?
        .map(|data| price_form::read_default(state, &ctx.space, data))
        .transpose()?;
    params.finish()?;
    if product.id.is_empty() {
        product.id = state.id("prod_", 14);
    }
    let Some(mut price) = price else {
        return Ok(announced(state, &ctx.cause, product).render());
    };
    price.id = state.id("price_1", 23);
    price.product.clone_from(&product.id);
    product.default_price = Some(price.id.clone());
    let product = announced(state, &ctx.cause, product);
    prices::announced(state, &ctx.cause, price);
    Ok(product.render())
}

/// `GET /v1/products/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<Product>(state, &ctx.space, id, "id")?.render())
}

/// `POST /v1/products/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = living::<Product>(state, &ctx.space, id, "id")?;
    let mut product = Product::clone(&old);
    if params.has("name") && params.clone().text("name")?.is_none() {
        return Err(params.empty("name"));
    }
    match params.update("default_price")? {
        Update::Keep => {}
        Update::Clear => product.default_price = None,
        Update::Set(price) => product.default_price = Some(own_price(state, &old, &price)?),
    }
    product.change(&mut params)?;
    params.finish()?;
    if product != *old {
        product.updated = state.now_s();
    }
    let product = state.put(product);
    let previous = event::previous(&old.render(), &product.render());
    if previous.is_some() {
        let object = Object::Product(Arc::clone(&product));
        event::emit(state, &ctx.cause, "product.updated", object, previous);
    }
    Ok(product.render())
}

fn own_price(state: &State, product: &Product, id: &str) -> Result<String, ApiError> {
    let price = living::<price::Price>(state, &product.space, id, "default_price")
        .map_err(|error| error.status(400))?;
    if price.product == product.id && price.active {
        return Ok(price.id.clone());
    }
    let message = if price.active {
        format!("The price `{id}` does not belong to this product.")
    } else {
        format!("The price `{id}` is inactive and cannot be the default price of a product.")
    };
    Err(ApiError::invalid(message).param("default_price"))
}

/// `DELETE /v1/products/{id}`: only one that no price was ever made for.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = living::<Product>(state, &ctx.space, id, "id")?;
    let priced = state
        .of::<price::Price>(&ctx.space)
        .any(|price| !price.deleted && price.product == old.id);
    if priced {
        return Err(ApiError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    let product = state.put(Product {
        deleted: true,
        ..Product::clone(&old)
    });
    event::emit(state, &ctx.cause, "product.deleted", Object::Product(old), None);
    Ok(product.render())
}

/// `GET /v1/products`, by `active`, `created`, `ids`, `shippable`, `type` and `url`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (active, shippable) = (params.boolean("active")?, params.boolean("shippable")?);
    let (ids, url) = (params.texts("ids")?, params.text("url")?);
    let kind = params.choice("type", &["good", "service"])?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |product: &Product| {
        !product.deleted
            && !product.adhoc
            && active.is_none_or(|active| active == product.active)
            && shippable.is_none_or(|shippable| Some(shippable) == product.shippable)
            && ids.as_ref().is_none_or(|ids| ids.contains(&product.id))
            && url.as_ref().is_none_or(|url| product.url.as_ref() == Some(url))
            && kind.is_none_or(|kind| (kind == "good") == product.good)
            && created.holds(product.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/products",
        wanted,
        |product: &Product| product.render(),
    )
}
