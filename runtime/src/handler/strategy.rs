//! Strategies: interchangeable behaviour, of which a policy chooses a variant for each execution.

use std::any::TypeId;

use crate::context::{ExecutionContext, FromContext, Requirement, Requirements};
use crate::model::{Failure, StrategyChoice};

/// A trait whose implementations are interchangeable ([r40](crate::rules#r40)). `#[strategy]` on the trait implements this for
/// `dyn Trait`, and makes [`AnyVariant`] a supertrait, so that every implementation must be declared.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "not a strategy",
    note = "put `#[strategy]` on the trait"
)]
pub trait Strategy: AnyVariant<<Self as Strategy>::Tag> + Send + Sync + 'static {
    /// The name of the strategy in recorded attempts ([r21](crate::rules#r21)). Stable.
    const NAME: &'static str;

    /// A type that distinguishes the strategy's variants from those of others.
    type Tag;
}

/// One of the implementations of a strategy. `#[strategy(variant)]` on an `impl` of the trait implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared variant of this strategy",
    label = "not declared",
    note = "put `#[strategy(variant)]` on the `impl` of the strategy for `{Self}`"
)]
pub trait Variant<Tag>: 'static {
    /// The name of the variant in recorded attempts ([r21](crate::rules#r21)). Stable.
    const NAME: &'static str;
}

/// The object-safe form of [`Variant`]. A supertrait of every strategy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared variant of this strategy",
    label = "not declared",
    note = "put `#[strategy(variant)]` on the `impl` of the strategy for `{Self}`"
)]
pub trait AnyVariant<Tag>: declared::Declared<Tag> {
    /// The name of the variant.
    fn variant_name(&self) -> &'static str;
}

mod declared {
    /// Seals [`AnyVariant`](super::AnyVariant): only a [`Variant`](super::Variant) implements it.
    pub trait Declared<Tag> {}

    #[diagnostic::do_not_recommend]
    impl<Tag, V: super::Variant<Tag>> Declared<Tag> for V {}
}

#[diagnostic::do_not_recommend]
impl<Tag, V: Variant<Tag>> AnyVariant<Tag> for V {
    fn variant_name(&self) -> &'static str {
        V::NAME
    }
}

/// A strategy with a policy, which chooses the variant for each execution. `#[strategy(policy)]` on a function implements this
/// for the `dyn Trait` that the function returns. A second policy is a conflicting implementation, which the compiler rejects.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy with a policy",
    label = "no policy chooses a `{Self}`",
    note = "for a strategy, put `#[strategy]` on the trait and write its policy: `#[strategy(policy)] fn …(context: &ExecutionContext) -> Box<{Self}>`",
    note = "for a capability that is provided to the runtime, write `Arc<{Self}>`"
)]
pub trait HasOnePolicy: Strategy {
    /// The capabilities, strategies and repositories that the policy's parameters need. `start()` checks that they are
    /// available ([r33](crate::rules#r33)).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }

    /// Chooses the variant for an execution.
    ///
    /// # Errors
    /// If a value that the policy extracts from the context is not available.
    fn select(context: &ExecutionContext) -> Result<Box<Self>, Failure>;
}

impl Requirements {
    /// The strategy `S`, and what its policy needs.
    pub fn strategy<S: ?Sized + HasOnePolicy>(&mut self) {
        self.add_strategy(Requirement { type_id: TypeId::of::<S>(), name: S::NAME });
        S::requires(self);
    }
}

impl<S: ?Sized + HasOnePolicy> FromContext for Box<S> {
    #[track_caller]
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        let chosen = S::select(context)?;
        context.record_choice(StrategyChoice::new(S::NAME, chosen.variant_name()));
        Ok(chosen)
    }

    fn requires(needs: &mut Requirements) {
        needs.strategy::<S>();
    }
}
