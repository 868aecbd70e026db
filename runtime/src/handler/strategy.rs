//! Strategies: one of several ways to do something, chosen for each execution by a policy (r40).

use std::any::TypeId;

use crate::context::{ExecutionContext, FromContext, Needed, Requirements};
use crate::model::{Failure, StrategyChoice};

/// A trait whose implementations are interchangeable ways to do something. `#[strategy]` on the trait implements it for
/// `dyn Trait`, and makes [`AnyVariant`] a supertrait, so that nothing implements the trait without being declared.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "not a strategy",
    note = "put `#[strategy]` on the trait"
)]
pub trait Strategy: AnyVariant<<Self as Strategy>::Tag> + Send + Sync + 'static {
    /// What the strategy is called on the record of an attempt (r21). Stable.
    const NAME: &'static str;

    /// A type of the strategy's own, by which its variants are told from those of others.
    type Tag;
}

/// One of the implementations of a strategy. `#[strategy(variant)]` on an `impl` of the trait implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared variant of this strategy",
    label = "not declared",
    note = "put `#[strategy(variant)]` on the `impl` of the strategy for `{Self}`"
)]
pub trait Variant<Tag>: 'static {
    /// What the variant is called on the record of an attempt (r21). Stable.
    const NAME: &'static str;
}

/// Some variant of a strategy: what [`Variant`] says, of a value whose type is not known. A supertrait of every strategy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared variant of this strategy",
    label = "not declared",
    note = "put `#[strategy(variant)]` on the `impl` of the strategy for `{Self}`"
)]
pub trait AnyVariant<Tag>: declared::Declared<Tag> {
    /// The name of the variant that this is.
    fn variant_name(&self) -> &'static str;
}

mod declared {
    /// Nothing but a [`Variant`](super::Variant) is some variant.
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

/// A strategy that has its one policy, which chooses the variant for each execution. `#[strategy(policy)]` on a function
/// implements it for the `dyn Trait` that the function returns; a second policy is a second implementation, which the
/// compiler refuses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy with a policy",
    label = "nothing chooses a `{Self}`",
    note = "a strategy is a trait with `#[strategy]` on it, and its policy a function beside it: `#[strategy(policy)] fn …(context: &ExecutionContext) -> Box<{Self}>`",
    note = "if it is no strategy but a capability that was provided to the runtime, take it as `Arc<{Self}>`"
)]
pub trait HasOnePolicy: Strategy {
    /// What must be there for the policy's parameters; `start()` checks that it is (r33).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }

    /// Chooses the variant for an execution.
    ///
    /// # Errors
    /// If something that the policy draws from the context is not there.
    fn select(context: &ExecutionContext) -> Result<Box<Self>, Failure>;
}

impl Requirements {
    /// The strategy `S`, and whatever its policy draws.
    pub fn strategy<S: ?Sized + HasOnePolicy>(&mut self) {
        self.add_strategy(Needed { type_id: TypeId::of::<S>(), name: S::NAME });
        S::requires(self);
    }
}

impl<S: ?Sized + HasOnePolicy> FromContext for Box<S> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        let chosen = S::select(context)?;
        context.note_choice(StrategyChoice::new(S::NAME, chosen.variant_name()));
        Ok(chosen)
    }

    fn requires(needs: &mut Requirements) {
        needs.strategy::<S>();
    }
}
