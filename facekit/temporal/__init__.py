"""What happens over time: from the faces of single frames to how they change."""
