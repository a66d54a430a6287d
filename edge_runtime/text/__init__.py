"""Text drafts: screened, admitted by their causal past, replayed in causal order into one pycrdt Doc a section."""
