//! One contract suite for each port of `domain::ports`, run on every adapter.
//!
//! A contract takes a [`World`](world::World) and uses names and times of its own, so that all of
//! them can run at once on one shared table. A new backend is one module below; a contract that is
//! written but not listed is dead code, which the compiler reports.

mod archive;
mod archiver;
mod aws_world;
mod counting;
mod dead_letters;
mod detection_load;
mod detections;
mod dispatchers;
mod documents;
mod due_retries;
mod embedded_world;
mod endpoints;
mod erased_groups;
mod erasure;
mod event_index;
mod event_log;
mod event_log_filters;
mod exceptions;
mod faults;
mod holds;
mod inbox;
mod intake;
mod job_runners;
mod jobs;
mod keeping;
mod ledger;
mod ledger_lists;
mod lost_replies;
mod older_inboxes;
mod oracle;
mod pages;
mod postponed_mail;
mod put_offs;
mod reads;
mod sessions;
mod shards;
mod shared_archive;
mod silences;
mod stored;
mod storms;
mod suppression;
mod throttled_table;
mod tokens;
mod unreadable;
mod volume;
mod work_queue;
mod world;

/// The contracts of what a table stores, one port after the other, on the worlds that `$world().await` makes.
macro_rules! stores {
    ($world:path) => {
        contracts! { @port intake, $world,
            takes_no_events_too,
            stores_and_queues_what_it_accepts,
            takes_a_whole_request,
            takes_the_largest_event,
            leaves_a_stored_event_as_it_is,
            makes_room_for_an_event_that_comes_again_after_it_expired,
            loses_nothing_when_many_post_the_same,
            remembers_a_name_until_its_time,
            gives_a_name_one_pk_however_many_ask,
            is_ready,
        }
        contracts! { @port event_log,  $world,
            knows_only_what_was_stored,
            hides_an_event_from_its_expiry_on,
            goes_newest_first_page_by_page,
            keeps_its_place_within_a_millisecond,
            shows_each_event_once_while_others_arrive,
            needs_no_bounds,
            purges_what_has_expired_and_nothing_else,
        }
        contracts! { @port event_log_filters, $world,
            keep_to_the_action,
            keep_to_the_app_and_below,
            keep_to_the_user,
            keep_to_the_address,
            keep_to_the_time,
            find_text_in_any_case,
            keep_to_the_object,
            answer_queries,
            say_how_far_they_looked,
            hold_together,
            fill_a_page_past_what_they_leave_out,
        }
        contracts! { @port pages, $world,
            of_events_end_at_their_bytes,
            of_deliveries_end_at_their_bytes,
            of_notifications_end_at_their_bytes,
        }
        contracts! { @port volume, $world,
            counts_by_the_hour_and_action,
            counts_what_arrives_late,
            counts_a_named_event_once,
            keeps_counts_of_what_has_expired,
            lets_several_roll_up_at_once,
        }
        contracts! { @port ledger, $world,
            opens_an_entry_once,
            answers_for_each_entry_in_order,
            lets_one_of_sixteen_open,
            replaces_only_the_last_revision,
            lets_one_of_sixteen_replace,
            keeps_all_of_an_entry,
            gets_all_that_are_there,
            tells_what_is_due_longest_first,
        }
        contracts! { @port ledger_lists, $world,
            go_newest_event_first,
            keep_to_what_was_asked_for,
            keep_to_the_time_of_the_event,
            follow_an_entry_through_its_states,
        }
        contracts! { @port suppression, $world,
            keeps_all_of_a_lane,
            replaces_only_the_last_revision,
            lets_one_of_sixteen_put,
            collects_each_event_once,
            loses_nothing_that_it_says_it_collected,
            forgets_what_has_expired,
            keeps_all_of_a_large_log,
        }
        contracts! { @port silences, $world,
            are_kept_whole_and_replaced,
            are_forgotten_long_after_their_end,
        }
        contracts! { @port endpoints, $world,
            keep_a_state_through_its_changes,
            let_one_of_sixteen_change_a_state,
        }
        contracts! { @port inbox, $world,
            holds_an_item_once,
            opens_whatever_the_length_of_the_username,
            goes_newest_first_page_by_page,
            tells_seen_from_unseen,
            belongs_to_one_person,
            opens_by_every_spelling_of_the_username,
            hides_an_item_from_its_expiry_on,
        }
        contracts! { @port jobs, $world,
            are_kept_whole_and_replaced,
            let_one_of_sixteen_take_one,
            are_forgotten_long_after_their_end,
        }
        contracts! { @port keeping, $world,
            knows_when_an_event_was_received,
            gives_an_event_another_expiry_and_changes_nothing_else,
            leaves_what_has_expired,
            goes_page_by_page,
            goes_on_from_a_position_of_0_1_0,
        }
        contracts! { @port holds, $world,
            are_kept_whole_and_replaced,
            stamp_what_arrives,
        }
        contracts! { @port erasure, $world,
            takes_away_what_it_is_told_and_nothing_else,
        }
        contracts! { @port tokens, $world,
            find_a_token_by_its_hash_alone,
            replace_one_of_the_same_hash,
            are_listed_oldest_first,
            stay_known_when_revoked,
            say_when_they_were_last_used,
        }
        contracts! { @port sessions, $world,
            are_found_until_they_are_over,
            end_at_once,
        }
        contracts! { @port documents, $world,
            keep_the_newest_whole,
            refuse_a_stale_save,
            let_one_of_sixteen_save,
        }
    };
}

/// The other contracts: of queues and archives, and of what several ports do together. `$archiving().await` makes a world
/// that archives.
macro_rules! processes {
    ($world:path, $archiving:path) => {
        contracts! { @port work_queue, $world,
            gives_out_what_was_put_in,
            gives_out_many,
            holds_a_message_back,
        }
        contracts! { @port dead_letters, $world,
            come_back_at_the_full_hour,
        }
        contracts! { @port due_retries, $world,
            are_queued_all_at_once_and_not_again,
        }
        contracts! { @port put_offs, $world,
            stay_in_the_ledger_in_the_end,
        }
        contracts! { @port detections, $world,
            keep_all_of_a_group_and_replace_only_the_last_revision,
            list_every_group_of_a_detection_and_erase_some,
            list_the_fullest_and_the_due_groups,
            fire_once_for_each_run_on_many_dispatchers,
            fire_in_order_as_the_definition_says,
            build_on_other_detections,
            report_what_is_new_and_what_is_absent,
            open_no_more_than_max_groups_and_say_so,
            what_fired_is_stored_though_the_dispatcher_died_before,
        }
        contracts! { @port detection_load, $world,
            other_groups_do_not_wait_for_one_that_others_change_all_the_time,
            history_of_years_ago_is_evaluated_as_it_happened,
            a_lagging_dispatcher_decides_as_one_that_does_not,
            a_detection_that_changes_begins_again,
            an_absence_is_not_reported_while_its_detection_is_removed,
            what_waits_in_the_queue_is_pending,
        }
        contracts! { @port storms, $world,
            a_throttle_lets_exactly_so_many_through,
            a_throttle_counts_each_key_apart,
            a_digest_tells_of_everything_in_one_message,
            what_a_wrong_clock_counted_and_collected_holds_nothing_back,
        }
        contracts! { @port exceptions, $world,
            are_one_event_for_each_cause,
            hold_up_no_event_that_needs_no_expression,
            leave_what_there_is_no_time_for_to_later_messages,
        }
        contracts! { @port faults, $world,
            a_process_dies_before_any_step,
            a_process_dies_after_any_step,
            any_step_is_refused,
            any_answer_is_lost,
            messages_come_twice_and_out_of_order,
            a_lease_ends_while_a_slow_send_is_under_way,
            the_clock_is_set,
            the_clock_is_wrong_for_a_moment,
            the_system_sleeps_or_its_clock_is_set_for_good,
            an_endpoint_is_down_while_the_clock_is_wrong,
            an_endpoint_is_down_for_a_while,
        }
        contracts! { @port job_runners, $archiving,
            restamp_what_other_rules_would_have_stamped,
            count_in_a_dry_run_and_change_nothing,
            share_a_job_and_take_over_from_the_dead,
            erase_one_person_and_nobody_else,
            keep_what_is_held_and_let_it_go_afterwards,
        }
        contracts! { @port erased_groups, $archiving,
            of_one_person_go_with_the_job_and_the_next_log_in_is_the_first,
            of_older_rules_documents_go_too,
        }
        contracts! { @port archive, $archiving,
            keeps_files_in_the_order_in_which_they_were_put,
            replaces_and_removes_a_file,
            keeps_a_large_file_whole,
        }
        contracts! { @port archiver, $archiving,
            lets_nothing_go_that_is_not_archived,
            gathers_for_an_hour,
            finds_what_expires_among_what_stays,
            archives_what_was_given_another_expiry,
            makes_room_for_what_comes_again,
        }
    };
}

/// One test for each contract of a port.
macro_rules! contracts {
    (@port $port:ident, $world:path, $($contract:ident),+ $(,)?) => {
        mod $port {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $contract() {
                    let world = $world().await;
                    crate::$port::$contract(&world).await;
                }
            )+
        }
    };
}

mod embedded {
    stores!(crate::embedded_world::world);
    processes!(crate::embedded_world::world, crate::embedded_world::archiving);
    contracts! { @port oracle, crate::embedded_world::world,
        agrees_in_order,
        agrees_out_of_order,
        agrees_though_a_process_dies_at_any_step,
    }
    mod load {
        contracts! { @port detection_load, crate::embedded_world::world,
            ten_thousand_events_of_one_group_fire_once,
            more_groups_than_allowed_are_reported_once,
        }
    }
}

mod aws {
    stores!(crate::aws_world::world);
    processes!(crate::aws_world::world, crate::aws_world::archiving);
    contracts! { @port oracle, crate::aws_world::world,
        agrees_with_few_streams,
    }
    mod load {
        contracts! { @port detection_load, crate::aws_world::world,
            a_thousand_events_of_one_group_fire_once,
        }
    }
}

/// On a table with little throughput.
mod aws_throttled {
    stores!(crate::aws_world::throttled);
}

/// The contracts that an index of events may concern.
mod aws_with_indexes {
    contracts! { @port event_log_filters, crate::aws_world::indexed,
        keep_to_the_action,
        keep_to_the_app_and_below,
        keep_to_the_user,
        keep_to_the_address,
        keep_to_the_time,
        find_text_in_any_case,
        keep_to_the_object,
        answer_queries,
        hold_together,
        fill_a_page_past_what_they_leave_out,
    }
    contracts! { @port intake, crate::aws_world::indexed,
        leaves_a_stored_event_as_it_is,
        makes_room_for_an_event_that_comes_again_after_it_expired,
    }
    contracts! { @port keeping, crate::aws_world::indexed,
        gives_an_event_another_expiry_and_changes_nothing_else,
        leaves_what_has_expired,
    }
}
