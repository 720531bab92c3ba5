//! The messages of `lf.a2a.v1` (A2A 1.0.1), in the words of the official proto.

mod card;
mod data;
mod requests;
mod security;

use super::{EMPTY, Schema};
use crate::a2a::Operation;

pub(super) static CARD: &Schema = &card::AGENT_CARD;

pub(super) const fn request(operation: Operation) -> &'static Schema {
    match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => &requests::SEND_MESSAGE_REQUEST,
        Operation::GetTask => &requests::GET_TASK_REQUEST,
        Operation::ListTasks => &requests::LIST_TASKS_REQUEST,
        Operation::CancelTask => &requests::CANCEL_TASK_REQUEST,
        Operation::SubscribeToTask => &requests::SUBSCRIBE_TO_TASK_REQUEST,
        Operation::CreatePushConfig => &requests::TASK_PUSH_NOTIFICATION_CONFIG,
        Operation::GetPushConfig => &requests::GET_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST,
        Operation::ListPushConfigs => &requests::LIST_TASK_PUSH_NOTIFICATION_CONFIGS_REQUEST,
        Operation::DeletePushConfig => &requests::DELETE_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST,
        Operation::GetExtendedAgentCard => &requests::GET_EXTENDED_AGENT_CARD_REQUEST,
    }
}

pub(super) const fn response(operation: Operation) -> &'static Schema {
    match operation {
        Operation::SendMessage => &data::SEND_MESSAGE_RESPONSE,
        Operation::SendStreamingMessage | Operation::SubscribeToTask => &data::STREAM_RESPONSE,
        Operation::GetTask | Operation::CancelTask => &data::TASK,
        Operation::ListTasks => &requests::LIST_TASKS_RESPONSE,
        Operation::CreatePushConfig | Operation::GetPushConfig => &requests::TASK_PUSH_NOTIFICATION_CONFIG,
        Operation::ListPushConfigs => &requests::LIST_TASK_PUSH_NOTIFICATION_CONFIGS_RESPONSE,
        Operation::DeletePushConfig => &EMPTY,
        Operation::GetExtendedAgentCard => &card::AGENT_CARD,
    }
}
