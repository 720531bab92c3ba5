//! The messages of `a2a.v1` (A2A 0.3.0), in the words of the official proto. It knows no list of tasks.

mod card;
mod data;
mod requests;
mod security;

use super::{EMPTY, Schema};
use crate::a2a::Operation;

pub(super) static CARD: &Schema = &card::AGENT_CARD;

pub(super) const fn request(operation: Operation) -> Option<&'static Schema> {
    Some(match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => &requests::SEND_MESSAGE_REQUEST,
        Operation::GetTask => &requests::GET_TASK_REQUEST,
        Operation::ListTasks => return None,
        Operation::CancelTask => &requests::CANCEL_TASK_REQUEST,
        Operation::SubscribeToTask => &requests::TASK_SUBSCRIPTION_REQUEST,
        Operation::CreatePushConfig => &requests::CREATE_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST,
        Operation::GetPushConfig => &requests::GET_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST,
        Operation::ListPushConfigs => &requests::LIST_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST,
        Operation::DeletePushConfig => &requests::DELETE_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST,
        Operation::GetExtendedAgentCard => &requests::GET_AGENT_CARD_REQUEST,
    })
}

pub(super) const fn response(operation: Operation) -> Option<&'static Schema> {
    Some(match operation {
        Operation::SendMessage => &data::SEND_MESSAGE_RESPONSE,
        Operation::SendStreamingMessage | Operation::SubscribeToTask => &data::STREAM_RESPONSE,
        Operation::GetTask | Operation::CancelTask => &data::TASK,
        Operation::ListTasks => return None,
        Operation::CreatePushConfig | Operation::GetPushConfig => &requests::TASK_PUSH_NOTIFICATION_CONFIG,
        Operation::ListPushConfigs => &requests::LIST_TASK_PUSH_NOTIFICATION_CONFIG_RESPONSE,
        Operation::DeletePushConfig => &EMPTY,
        Operation::GetExtendedAgentCard => &card::AGENT_CARD,
    })
}
