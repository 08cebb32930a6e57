//! Hadoop's own command line against any file system: the same cases for Hadoop's router, for ours before
//! NameNodes, and for ours before embedded subclusters.

mod bulk;
mod change;
mod read;
mod remove;
mod write;

use std::any::Any;
use std::path::PathBuf;

use anabranch_testkit::hadoop::{Output, Session, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite::Case;

/// A file system and what it takes to work with it.
pub struct Site {
    /// Runs the commands.
    pub shell: Shell,
    /// `hdfs://host:port`.
    pub uri: String,
    /// A directory in one subcluster.
    pub first: String,
    /// A directory in another subcluster.
    pub second: String,
    /// What serves the file system; its files are in the directory, and so it ends before that.
    pub servers: Box<dyn Any>,
    /// Where local files go.
    pub scratch: Scratch,
}

/// All cases, in the order in which a failure explains most.
pub const CASES: &[Case<'static, Site>] = &[
    ("mkdir_makes_parents_only_when_asked", write::mkdir),
    ("put_get_cat_keep_every_byte", write::put_get_cat),
    ("put_refuses_to_overwrite_unless_forced", write::put_twice),
    ("names_may_hold_spaces_and_other_letters", write::unusual_names),
    ("touchz_makes_empty_files", write::touchz),
    ("append_adds_to_a_file", write::append),
    ("append_over_many_blocks", write::append_many),
    ("truncate_cuts_inside_and_between_blocks", write::truncate),
    ("ls_lists_recursively", read::ls),
    ("a_missing_path_is_named", read::missing),
    ("test_answers_by_exit_code", read::test),
    ("tail_and_head_show_the_ends", read::tail_head),
    ("stat_formats_what_it_knows", read::stat),
    ("du_df_count_add_up", read::du_df_count),
    ("checksum_depends_on_content_only", read::checksum),
    ("mv_renames_files_and_directories", change::mv),
    ("mv_between_subclusters_is_refused", change::mv_across),
    ("cp_copies_within_and_between_subclusters", change::cp),
    ("chmod_and_chown_change_what_ls_shows", change::chmod_chown),
    ("permissions_bind_other_users", change::permissions),
    ("setrep_is_accepted", change::setrep),
    ("rm_deletes_at_once_without_trash", remove::rm),
    ("rm_moves_to_the_trash_with_it", remove::rm_to_trash),
    ("dfsadmin_sees_no_safe_mode", read::safe_mode),
    ("two_thousand_files_come_back", bulk::tree),
    ("a_file_of_many_blocks_comes_back", bulk::big_file),
];

impl Site {
    /// Commands as the user who runs the tests.
    pub fn session(&self) -> Session<'_> {
        self.shell.at(&self.uri)
    }

    /// Runs `hdfs dfs ARGS...`.
    pub fn dfs(&self, args: &[&str]) -> Output {
        self.session().dfs(args)
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        self.dfs(args).ok()
    }

    /// Makes the new directory `name` in the first subcluster.
    pub fn fresh(&self, name: &str) -> String {
        let dir = format!("{}/{name}", self.first);
        self.ok(&["-mkdir", "-p", &dir]);
        dir
    }

    /// The path of a local file.
    pub fn local(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Puts a small file.
    pub fn write(&self, path: &str, content: &str) {
        self.session().dfs_with_input(&["-put", "-", path], content).ok();
    }
}
