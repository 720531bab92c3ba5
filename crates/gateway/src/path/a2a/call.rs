//! One operation that a known caller asks of one agent.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use doorward_model::Scope;
use doorward_protocol::{
    a2a::{Asked, Dialect, Operation, translate},
    json::{Document, Object, Splice},
};
use doorward_store::Owner;

use super::{
    super::{Refusal, authenticate::Authenticated},
    Face,
    delegation::Chain,
    internal, untranslatable,
};
use crate::{routes::PublishedAgent, tasks};

/// An operation with everything that decides about it. It goes boxed from stage to stage.
pub(super) struct Call {
    pub(super) agent: Arc<PublishedAgent>,
    pub(super) caller: Authenticated,
    /// The caller as the index of tasks knows it.
    pub(super) owner: Owner,
    pub(super) face: Face,
    pub(super) operation: Operation,
    pub(super) params: Params,
    /// What the parameters say that is decided on.
    pub(super) asked: Named,
    /// `A2A-Extensions` that the caller activates.
    pub(super) extensions: Vec<String>,
    /// Through which agents the request came.
    pub(super) chain: Chain,
}

/// Parameters, as they came and in 1.0.
#[derive(Clone)]
pub(super) struct Params {
    /// As the caller wrote them; none once they say something else.
    written: Option<Written>,
    v1: Document,
}

#[derive(Clone)]
struct Written {
    dialect: Dialect,
    params: Document,
    /// The whole JSON-RPC message that they stand in.
    message: Option<Bytes>,
}

/// [`Asked`], on its own feet.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub(super) task: Option<String>,
    pub(super) context: Option<String>,
    pub(super) references: Vec<String>,
    /// The webhook that is meant.
    pub(super) config: Option<String>,
    pub(super) brings_push_config: bool,
    pub(super) tenant: Option<String>,
}

impl Named {
    pub(super) fn of(asked: Asked<'_>) -> Self {
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Self {
            task: owned(asked.task),
            context: owned(asked.context),
            references: asked.references.into_iter().map(Cow::into_owned).collect(),
            config: owned(asked.config),
            brings_push_config: asked.brings_push_config,
            tenant: owned(asked.tenant),
        }
    }
}

impl Call {
    /// What a token of Doorward's needs for it.
    pub(super) fn scope(&self) -> Scope {
        match self.operation {
            Operation::SendMessage
            | Operation::SendStreamingMessage
            | Operation::CancelTask
            | Operation::CreatePushConfig
            | Operation::DeletePushConfig => Scope::A2aSend,
            Operation::GetTask
            | Operation::ListTasks
            | Operation::SubscribeToTask
            | Operation::GetPushConfig
            | Operation::ListPushConfigs
            | Operation::GetExtendedAgentCard => Scope::A2aRead,
        }
    }

    /// The caller as the index of tasks knows it.
    pub(super) fn owner_of(caller: &Authenticated) -> Owner {
        tasks::owner(&caller.key)
    }
}

impl Params {
    /// Parameters as a caller wrote them.
    pub(super) fn written(
        operation: Operation,
        dialect: Dialect,
        params: Document,
        message: Option<Bytes>,
    ) -> Result<Self, Refusal> {
        let v1 = if dialect == Dialect::V1 {
            params.clone()
        } else {
            let translated = translate::params(dialect, Dialect::V1, operation, params.root());
            parse(translated.map_err(untranslatable)?)?
        };
        Ok(Self { written: Some(Written { dialect, params, message }), v1 })
    }

    /// Parameters of Doorward's own making, in 1.0.
    pub(super) fn own(text: Vec<u8>) -> Result<Self, Refusal> {
        Ok(Self { written: None, v1: parse(text)? })
    }

    /// In 1.0.
    pub(super) fn v1(&self) -> &Document {
        &self.v1
    }

    /// Changes what they say. From then on nothing of them passes as it was written, unless it is 1.0.
    pub(super) fn change(
        &mut self,
        change: impl for<'d> FnOnce(&mut Splice<'d>, Object<'d>),
    ) -> Result<(), Refusal> {
        let mut splice = Splice::new(&self.v1);
        if let Some(params) = self.v1.root().as_object() {
            change(&mut splice, params);
        }
        if splice.is_empty() {
            return Ok(());
        }
        self.v1 = parse(splice.finish().to_vec())?;
        self.written = None;
        Ok(())
    }

    /// The JSON-RPC message as the caller wrote it, if it can pass as it is.
    pub(super) fn message(&self, dialect: Dialect) -> Option<&Bytes> {
        self.written.as_ref().filter(|written| written.dialect == dialect)?.message.as_ref()
    }

    /// The parameters in a dialect.
    pub(super) fn to(&self, dialect: Dialect, operation: Operation) -> Result<Document, Refusal> {
        match &self.written {
            Some(written) if written.dialect == dialect => return Ok(written.params.clone()),
            _ if dialect == Dialect::V1 => return Ok(self.v1.clone()),
            _ => {}
        }
        let translated = translate::params(Dialect::V1, dialect, operation, self.v1.root());
        parse(translated.map_err(untranslatable)?)
    }
}

/// Reads JSON of our own making.
pub(super) fn parse(text: Vec<u8>) -> Result<Document, Refusal> {
    Document::reread(text.into()).map_err(internal)
}
