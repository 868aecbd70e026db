#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn look(_: Look) -> Result<u32, Failure> {
    Ok(1)
}
#[allow(unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Look {
        type Output = <Result<u32, Failure> as ::enact::IntoOutcome>::Output;
        type Entity = ();
    }
    struct __Handler;
    impl ::enact::CommandHandler for __Handler {
        type Command = Look;
        async fn handle(
            __message: Look,
            __context: &::enact::ExecutionContext,
        ) -> ::core::result::Result<
            <Result<u32, Failure> as ::enact::IntoOutcome>::Output,
            ::enact::Failure,
        > {
            <Result<
                u32,
                Failure,
            > as ::enact::IntoOutcome>::into_outcome(look(__message).await)
        }
    }
    ::enact::register! {
        ::enact::Registration::command_handler:: < __Handler > (::enact::source!())
    }
};
