"""Infrastructure: settings, storage, the cluster, the local stack. Imports none of the other rooms."""
